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
      ...putRows({ name, key, columns, triggers }, 'carried as a'),
      keepAs === null ? 'drop table pg_temp.carried' : `alter table pg_temp.carried rename to ${keepAs}`,
      ...triggers.on,
    ],
  };
}

interface Put {
  /** The table's, as SQL. */
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: readonly string[];
  readonly triggers: Triggers;
}

/**
 * Staging's row takes the place of the one that has its key.
 *
 * @param from the rows, as `a`, with a condition on them.
 */
export function putRows({ name, key, columns, triggers }: Put, from: string, condition = 'true'): string[] {
  const list = columns.map(ident).join(', ');
  const insert = `insert into ${name} (${list}) overriding system value select ${list} from ${from} where ${condition}`;
  const changed = columns.filter((column) => !key.includes(column));
  const set = (row: string) =>
    changed.map((column) => `${ident(column)} = ${row}.${ident(column)}`).join(', ');
  // ON CONFLICT is refused where a rule is ON UPDATE, even one that is disabled (rewriteHandler.c, matchLocks).
  if (triggers.updateRule) {
    const same = key.map((column) => `here.${ident(column)} = a.${ident(column)}`).join(' and ');
    const update = `update only ${name} as here set ${set('a')} from ${from} where ${same} and ${condition}`;
    return [
      ...(changed.length === 0 ? [] : [update]),
      `${insert} and not exists (select from only ${name} as here where ${same})`,
    ];
  }
  const action = changed.length === 0 ? 'do nothing' : `do update set ${set('excluded')}`;
  return [`${insert} on conflict (${key.map(ident).join(', ')}) ${action}`];
}

/** Statements around the rows, for triggers and rules that would act on what is nothing new to the application. */
export interface Triggers {
  readonly off: readonly string[];
  readonly on: readonly string[];
  /** Whether the table has a rule ON UPDATE. */
  readonly updateRule: boolean;
}

export async function readTriggers(session: Session, table: TableRef): Promise<Triggers> {
  const name = qualified(table);
  const all = await session.rows<{ what: string; name: string; mode: string; update: boolean }>(
    `select 'trigger' as what, tgname::text as name, tgenabled::text as mode, false as update
       from pg_catalog.pg_trigger where tgrelid = to_regclass($1) and not tgisinternal
      union all
     select 'rule', rulename::text, ev_enabled::text, ev_type = '2' from pg_catalog.pg_rewrite
      where ev_class = to_regclass($1)`,
    [name],
  );
  const acting = all.filter(({ mode }) => mode === 'O' || mode === 'A');
  return {
    off: acting.map((one) => `alter table ${name} disable ${one.what} ${ident(one.name)}`),
    on: acting.map(
      (one) =>
        `alter table ${name} enable ${one.mode === 'A' ? 'always ' : ''}${one.what} ${ident(one.name)}`,
    ),
    updateRule: all.some(({ update }) => update),
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
