import type { PreservedTable } from '../../model/plan.ts';
import { ident, qualified, type TableRef } from '../../model/table.ts';

/** Triggers that would fire for rows that are nothing new to the application. */
export const triggersQuery = `
  select tgname::text as name, tgenabled::text as mode from pg_catalog.pg_trigger
   where tgrelid = to_regclass($1) and not tgisinternal and tgenabled in ('O', 'A')`;

/** Sequences that number the table's rows, and the columns that they are owned by. */
export const sequencesQuery = `
  select d.objid::regclass::text as sequence, a.attname::text as column
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
    join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
   where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
     and d.refobjid = to_regclass($1) and d.deptype in ('a', 'i')`;

interface Carrying {
  readonly before: readonly string[];
  readonly copy: string;
  readonly after: readonly string[];
}

/** A whole table takes its rows directly; single rows go through a temporary table, whose row wins. */
export function carryStatements(
  { table, whole, key }: PreservedTable,
  columns: readonly string[],
  triggers: readonly { readonly name: string; readonly mode: string }[],
): Carrying {
  const name = qualified(table);
  const list = columns.map(ident).join(', ');
  const still = triggers.map((trigger) => `alter table ${name} disable trigger ${ident(trigger.name)}`);
  const again = triggers.map(
    (trigger) =>
      `alter table ${name} enable ${trigger.mode === 'A' ? 'always ' : ''}trigger ${ident(trigger.name)}`,
  );
  if (whole) return { before: still, copy: `copy ${name} (${list}) from stdin`, after: again };
  const changed = columns.filter((column) => !key.includes(column));
  const action =
    changed.length === 0
      ? 'do nothing'
      : `do update set ${changed.map((column) => `${ident(column)} = excluded.${ident(column)}`).join(', ')}`;
  return {
    before: [...still, `create temporary table carried as select ${list} from ${name} limit 0`],
    copy: `copy carried (${list}) from stdin`,
    after: [
      `insert into ${name} (${list}) overriding system value select ${list} from carried on conflict (${key.map(ident).join(', ')}) ${action}`,
      'drop table pg_temp.carried',
      ...again,
    ],
  };
}

/** Rows of the table that a key's definition (pg_get_constraintdef) finds without a partner, counted. */
export function orphanQuery(definition: string, table: TableRef): string {
  const parts = /^FOREIGN KEY \((.*?)\) REFERENCES (.*?)\((.*?)\)/.exec(definition);
  if (!parts) throw new Error('no definition of a foreign key');
  const [, columns = '', references = '', key = ''] = parts;
  const keys = key.split(', ');
  const match = columns.split(', ').map((column, index) => `parent.${keys[index]} = child.${column}`);
  const filled = columns.split(', ').map((column) => `child.${column} is not null`);
  return `select count(*)::text as count from ${qualified(table)} as child
           where ${filled.join(' and ')} and not exists (select from ${references} as parent where ${match.join(' and ')})`;
}
