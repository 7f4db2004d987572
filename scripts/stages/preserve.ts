import { RefreshError } from '../model/errors.ts';
import type { LaterKey, PolicyPlan, PreservedTable } from '../model/plan.ts';
import type { StagingRun } from '../model/run.ts';
import { display, ident, literal, qualified } from '../model/table.ts';
import { spliceCopy } from '../postgres/copy.ts';
import { columnsQuery, emptyQuery, type OwnRows, ownRowsOut } from '../postgres/own-rows.ts';
import { openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { carryStatements, orphanQuery, sequencesQuery, triggersQuery } from './preserve/statements.ts';

/** What was carried over of one table. */
export interface Carried {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/**
 * Carries staging's own tables and rows from the live database into the next one, then makes and checks the keys from
 * and to them. Of a row whose primary key is on both sides staging's wins; columns that one side lacks are left to their
 * defaults or dropped.
 *
 * @throws RefreshError `preserve-failed` naming the table, and the key that its rows break.
 */
export async function preserve(
  run: StagingRun,
  policy: Pick<PolicyPlan, 'preserved' | 'laterKeys'>,
  openOwnRows: () => Promise<OwnRows & AsyncDisposable>,
  next: { readonly name: string; readonly searchPath: string },
): Promise<Carried[]> {
  if (policy.preserved.length === 0) return [];
  await using source = await openOwnRows();
  await using target = await openStaging(run, next.name, { search_path: next.searchPath });
  const carried: Carried[] = [];
  for (const table of policy.preserved) {
    try {
      carried.push(await carry(run, source, target, table));
    } catch (cause) {
      if (cause instanceof RefreshError && cause.code === 'preserve-failed') throw cause;
      throw failed(display(table.table), cause instanceof Error ? cause.message : String(cause), cause);
    }
  }
  for (const key of policy.laterKeys) await addKey(target, key);
  const rows = carried.reduce((sum, table) => sum + table.rows, 0);
  run.log.info(`kept of staging’s own: ${rows} rows in ${carried.length} tables`);
  return carried;
}

/** Those of the live database, all of one moment. */
export async function openLiveRows(run: StagingRun, live: string): Promise<OwnRows & AsyncDisposable> {
  const settings = { search_path: '', default_transaction_read_only: 'on' };
  const source = await openStaging(run, live, settings);
  await source.run('begin transaction isolation level repeatable read, read only');
  return {
    columnsOf: async (table) => {
      const columns = await source.rows<{ name: string }>(columnsQuery, [qualified(table)]);
      return columns.map(({ name }) => name);
    },
    isEmpty: async () => (await source.row<{ empty: boolean }>(emptyQuery)).empty,
    feed: async (preserved, columns, into) =>
      (await spliceCopy({ ...into, source, copyOut: ownRowsOut(preserved, columns) })).rowsIn,
    [Symbol.asyncDispose]: () => source.close(),
  };
}

async function carry(
  run: StagingRun,
  source: OwnRows,
  target: Session,
  preserved: PreservedTable,
): Promise<Carried> {
  const { table, whole, key } = preserved;
  const name = { schema: table.schema, name: table.name };
  const here = await source.columnsOf(table);
  if (here.length === 0) {
    // A first refresh finds an empty database; in any other the name may be a mistake.
    const line = `${display(table)} has nothing to keep: staging has no such table`;
    if (await source.isEmpty()) run.log.info(line);
    else run.log.warn(line);
    return { ...name, rows: 0 };
  }
  if (!whole && key.length === 0) {
    throw failed(display(table), 'it has no primary key by which its rows could be told apart', undefined);
  }
  const known = new Set(here);
  const shared = table.columns.filter((column) => known.has(column));
  tellDifference(run, preserved, known);
  const triggers = await target.rows<{ name: string; mode: string }>(triggersQuery, [qualified(table)]);
  const statements = carryStatements(preserved, shared, triggers);
  const carried = await source.feed(preserved, shared, {
    target,
    copyIn: target.atomically([...statements.before, statements.copy, ...statements.after]),
    object: display(table),
  });
  for (const { sequence, column } of await target.rows<{ sequence: string; column: string }>(sequencesQuery, [
    qualified(table),
  ])) {
    await target.run(
      `select pg_catalog.setval(${literal(sequence)}::regclass, greatest((select max(${ident(column)}) from only ${qualified(table)}), (select last_value from ${sequence})),
              (select is_called from ${sequence}) or exists (select from only ${qualified(table)}))`,
    );
  }
  await target.run(`analyze ${qualified(table)}`);
  return { ...name, rows: carried };
}

function tellDifference(run: StagingRun, { table }: PreservedTable, known: ReadonlySet<string>): void {
  const missing = table.columns.filter((column) => !known.has(column));
  const dropped = [...known].filter((column) => !table.columns.includes(column));
  if (missing.length > 0)
    run.log.info(
      `${display(table)}: staging’s rows get the default of ${missing.join(', ')}, which only production has`,
    );
  if (dropped.length > 0)
    run.log.warn(`${display(table)}: staging’s own columns are lost: ${dropped.join(', ')}`);
}

async function addKey(target: Session, { key, table, constraint }: LaterKey): Promise<void> {
  try {
    await target.attempt(
      `alter table ${qualified(table)} add constraint ${ident(key.name)} ${key.definition}`,
    );
  } catch (cause) {
    const { count } = await target
      .row<{ count: string }>(orphanQuery(key.definition, table))
      .catch(() => ({ count: 'some' }));
    throw failed(
      constraint,
      `${count} rows refer to rows that are not there: staging’s own rows and production’s don’t fit together`,
      cause,
    );
  }
}

function failed(object: string, message: string, cause: unknown): RefreshError {
  return new RefreshError('preserve-failed', message, {
    object,
    hint: 'nothing was published; narrow preserve, or leave production’s rows of it out by where',
    ...(cause === undefined ? {} : { cause }),
  });
}
