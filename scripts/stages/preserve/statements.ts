import type { PreservedTable } from '../../model/plan.ts';
import { ident, qualified, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

interface Carrying {
  readonly before: readonly string[];
  readonly copy: string;
  readonly after: readonly string[];
}

/**
 * A whole table takes its rows directly; single rows go through a temporary table, whose row wins.
 *
 * @param keepAs temporary table that is to hold the rows as they were carried; null for none.
 */
export function carryStatements(
  { table, whole, key }: PreservedTable,
  columns: readonly string[],
  triggers: Triggers,
  keepAs: string | null,
): Carrying {
  const name = qualified(table);
  const list = columns.map(ident).join(', ');
  if (whole) {
    const keep =
      keepAs === null ? [] : [`create temporary table ${keepAs} as select ${list} from only ${name}`];
    return {
      before: triggers.off,
      copy: `copy ${name} (${list}) from stdin`,
      after: [...keep, ...triggers.on],
    };
  }
  return {
    before: [...triggers.off, `create temporary table carried as select ${list} from ${name} limit 0`],
    copy: `copy carried (${list}) from stdin`,
    after: [
      `insert into ${name} (${list}) overriding system value select ${list} from carried ${onConflict(key, columns)}`,
      keepAs === null ? 'drop table pg_temp.carried' : `alter table pg_temp.carried rename to ${keepAs}`,
      ...triggers.on,
    ],
  };
}

/** Staging's row takes the place of the one that has its key. */
export function onConflict(key: readonly string[], columns: readonly string[]): string {
  const changed = columns.filter((column) => !key.includes(column));
  const action =
    changed.length === 0
      ? 'do nothing'
      : `do update set ${changed.map((column) => `${ident(column)} = excluded.${ident(column)}`).join(', ')}`;
  return `on conflict (${key.map(ident).join(', ')}) ${action}`;
}

/** Statements around the rows, for triggers that would fire for what is nothing new to the application. */
export interface Triggers {
  readonly off: readonly string[];
  readonly on: readonly string[];
}

export async function readTriggers(session: Session, table: TableRef): Promise<Triggers> {
  const name = qualified(table);
  const triggers = await session.rows<{ name: string; mode: string }>(
    `select tgname::text as name, tgenabled::text as mode from pg_catalog.pg_trigger
      where tgrelid = to_regclass($1) and not tgisinternal and tgenabled in ('O', 'A')`,
    [name],
  );
  return {
    off: triggers.map((trigger) => `alter table ${name} disable trigger ${ident(trigger.name)}`),
    on: triggers.map(
      (trigger) =>
        `alter table ${name} enable ${trigger.mode === 'A' ? 'always ' : ''}trigger ${ident(trigger.name)}`,
    ),
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
