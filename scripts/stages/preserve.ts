import { asError, RefreshError } from '../model/errors.ts';
import { counted } from '../model/figures.ts';
import type { LaterKey, PolicyPlan, PreservedTable } from '../model/plan.ts';
import type { StagingRun } from '../model/run.ts';
import { display, ident, qualified } from '../model/table.ts';
import { spliceCopy } from '../postgres/copy.ts';
import type { Hold } from '../postgres/ending-sessions.ts';
import { raiseSequences } from '../postgres/numbering.ts';
import { columnsQuery, emptyQuery, type OwnRows, ownRowsOut } from '../postgres/own-rows.ts';
import { openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { type CarriedTable, carryLast } from './preserve/last-carry.ts';
import { carryStatements, orphanQuery, readTriggers } from './preserve/statements.ts';

/** What was carried over of one table. */
export interface Carried {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/** Staging's own rows in the next database. */
export interface Preserved {
  readonly carried: readonly Carried[];
  /** Holds staging's writers off and carries over what they have changed since: for publishing. Undefined: nothing can have. */
  readonly hold?: () => Promise<Hold>;
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
): Promise<Preserved> {
  if (policy.preserved.length === 0) return { carried: [] };
  await using source = await openOwnRows();
  await using sessions = new AsyncDisposableStack();
  const target = sessions.use(await openStaging(run, next.name, { search_path: next.searchPath }));
  const carried: Carried[] = [];
  const kept: CarriedTable[] = [];
  for (const table of parentsFirst(policy)) {
    const before = source.live === null ? null : `kept_${kept.length}`;
    try {
      const { columns, ...done } = await carry(run, source, target, table, before);
      carried.push(done);
      if (before !== null && columns.length > 0) kept.push({ preserved: table, columns, before });
    } catch (cause) {
      // A full disk or a lost connection is not the rows' fault.
      if (cause instanceof RefreshError && cause.code !== 'statement-failed') throw cause;
      throw failed(display(table.table), asError(cause).message, cause);
    }
  }
  for (const key of policy.laterKeys) await addKey(target, key);
  const rows = carried.reduce((sum, table) => sum + table.rows, 0);
  run.log.info(`kept of staging’s own: ${counted(rows, 'row')} in ${counted(carried.length, 'table')}`);
  const { live } = source;
  if (live === null || kept.length === 0) return { carried };
  // The session lives on with its temporary tables; dropping the next database ends it, too.
  sessions.move();
  return { carried, hold: () => carryLast(run, live, target, kept) };
}

/** Tables before those that refer to them; where keys run in a circle, as the policy has them. */
function parentsFirst({
  preserved,
  laterKeys,
}: Pick<PolicyPlan, 'preserved' | 'laterKeys'>): PreservedTable[] {
  const waiting = [...preserved];
  const ordered: PreservedTable[] = [];
  while (waiting.length > 0) {
    const free = waiting.findIndex(({ table }) =>
      laterKeys.every(
        ({ key }) =>
          key.table !== table.oid ||
          key.references === table.oid ||
          waiting.every((other) => other.table.oid !== key.references),
      ),
    );
    ordered.push(...waiting.splice(Math.max(free, 0), 1));
  }
  return ordered;
}

/** Those of the live database, all of one moment. */
export async function openLiveRows(run: StagingRun, live: string): Promise<OwnRows & AsyncDisposable> {
  const settings = { search_path: '', default_transaction_read_only: 'on' };
  const source = await openStaging(run, live, settings);
  await source.run('begin transaction isolation level repeatable read, read only');
  return {
    live,
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
  keepAs: string | null,
): Promise<Carried & { readonly columns: readonly string[] }> {
  const { table, whole, key } = preserved;
  const name = { schema: table.schema, name: table.name };
  const here = await source.columnsOf(table);
  if (here.length === 0) {
    // A first refresh finds an empty database; in any other the name may be a mistake.
    const line = `${display(table)} has nothing to keep: staging has no such table`;
    if (await source.isEmpty()) run.log.info(line);
    else run.log.warn(line);
    return { ...name, rows: 0, columns: [] };
  }
  if (!whole && key.length === 0) {
    throw failed(display(table), 'it has no primary key by which its rows could be told apart', undefined);
  }
  const known = new Set(here);
  const shared = table.columns.filter((column) => known.has(column));
  tellDifference(run, preserved, known);
  const statements = carryStatements(preserved, shared, await readTriggers(target, table), keepAs);
  const carried = await source.feed(preserved, shared, {
    target,
    copyIn: target.atomically([...statements.before, statements.copy, ...statements.after]),
    object: display(table),
  });
  await raiseSequences(target, table);
  await target.run(`analyze ${qualified(table)}`, display(table), true);
  return { ...name, rows: carried, columns: shared };
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
