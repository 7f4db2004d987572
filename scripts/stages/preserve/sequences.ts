import { ident, literal, qualified, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

/** Raises the sequences that number a table's rows above what its rows have by now. */
export async function raiseSequences(session: Session, table: TableRef): Promise<void> {
  const name = qualified(table);
  const sequences = await session.rows<{ sequence: string; column: string }>(sequencesQuery, [name]);
  for (const { sequence, column } of sequences) {
    await session.run(
      `select pg_catalog.setval(${literal(sequence)}::regclass, greatest((select max(${ident(column)}) from only ${name}), (select last_value from ${sequence})),
              (select is_called from ${sequence}) or exists (select from only ${name}))`,
    );
  }
}

/** Sequences that number the table's rows, and the columns that they are owned by. */
const sequencesQuery = `
  select d.objid::regclass::text as sequence, a.attname::text as column
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
    join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
   where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
     and d.refobjid = to_regclass($1) and d.deptype in ('a', 'i')`;
