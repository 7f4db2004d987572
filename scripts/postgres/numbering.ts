import { display, ident, literal, qualified, type TableRef } from '../model/table.ts';
import type { Session } from './session.ts';

/**
 * Moves the sequences that number a table's rows beyond what its rows have by now. What numbers a text has no place among
 * those of the sequence: it goes on where production's stood.
 */
export async function raiseSequences(session: Session, table: TableRef): Promise<void> {
  const name = qualified(table);
  const sequences = await session.rows<Numbering>(sequencesQuery, [name]);
  for (const { sequence, column, rises } of sequences) {
    const [furthest, further] = rises ? ['max', 'greatest'] : ['min', 'least'];
    await session.run(
      `select pg_catalog.setval(${literal(sequence)}::regclass,
                ${further}((select ceil(${furthest}(${ident(column)})::numeric)::int8 from only ${name}), (select last_value from ${sequence})),
                (select is_called from ${sequence}) or exists (select from only ${name}))`,
    );
  }
}

/** Sequences whose next number a row has already, and the rows' columns. */
export async function sequencesBehind(session: Session, table: TableRef): Promise<string[]> {
  const name = qualified(table);
  const behind: string[] = [];
  for (const { sequence, column, rises } of await session.rows<Numbering>(sequencesQuery, [name])) {
    const [furthest, reaches] = rises ? ['max', '>= last_value +'] : ['min', '<= last_value -'];
    const { collides } = await session.row<{ collides: boolean }>(
      `select coalesce((select ${furthest}(${ident(column)}) from only ${name}) ${reaches} is_called::int, false) as collides from ${sequence}`,
    );
    if (collides) behind.push(`${sequence} is behind ${display(table)}.${column}`);
  }
  return behind;
}

/** A sequence that numbers rows, and the column that owns it. */
interface Numbering {
  readonly sequence: string;
  readonly column: string;
  readonly rises: boolean;
}

const sequencesQuery = `
  select d.objid::regclass::text as sequence, a.attname::text as column, q.seqincrement > 0 as rises
    from pg_catalog.pg_depend d
    join pg_catalog.pg_sequence q on q.seqrelid = d.objid
    join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    join pg_catalog.pg_type t on t.oid = a.atttypid and t.typcategory = 'N'
   where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
     and d.refobjid = to_regclass($1) and d.deptype in ('a', 'i')`;
