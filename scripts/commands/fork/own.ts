import { RefreshError } from '../../model/errors.ts';
import type { ForkRun } from '../../model/run.ts';
import { describeAddress, type ServerAddress } from '../../model/server-address.ts';
import { ident, qualified } from '../../model/table.ts';
import type { OwnRows } from '../../postgres/own-rows.ts';
import { openFork, openPrevious } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { beforePublish, hasSteps, readSqlFiles } from '../../stages/before-publish.ts';
import { takeSettings } from '../../stages/database.ts';
import { once } from '../../stages/fork/carry-out.ts';
import { done, readDone, type Treatment } from '../../stages/fork/journal.ts';
import type { ForkPreflight } from '../../stages/preflight/fork.ts';
import { type Carried, openLiveRows, preserve } from '../../stages/preserve.ts';
import { shapedColumns, verifyFinished } from '../../stages/verify/finished.ts';
import type { Stopwatch } from '../../system/stopwatch.ts';
import { withCarried } from '../run/build.ts';
import type { Outcome } from '../run/outcome.ts';

/** What staging has of its own: its settings, its rows, what the team runs before anybody sees it; and a last look. */
export async function makeOwn(
  run: ForkRun,
  { servers, maintenance }: ForkPreflight,
  treatment: Treatment,
  outcome: Outcome,
  stopwatch: Stopwatch,
): Promise<void> {
  const { plan, constraints, searchPath } = treatment;
  const { previousStaging } = run.config;
  if (previousStaging) {
    await using previous = await openPrevious(run, previousStaging);
    for (const line of await takeSettings(previous, maintenance, servers)) run.log.warn(line);
  }
  const { policy } = plan;
  if (!policy) return;
  const next = { name: servers.staging.name, searchPath };
  await using session = await openFork(run);
  let carried: readonly Carried[] = [];
  if (policy.preserved.length > 0 || policy.laterKeys.length > 0) {
    stopwatch.phase('preserve');
    const result = await once(session, 'preserve', async () =>
      JSON.stringify(await carryOver(run, treatment, next)),
    );
    carried = JSON.parse(result) as Carried[];
    outcome.tables = withCarried(outcome.tables, carried);
  }
  if (hasSteps(policy.beforePublish)) {
    stopwatch.phase('before-publish');
    await refuseHalfDone(run, session);
    await once(session, 'before-publish', async () => {
      await session.run(done(begun));
      await beforePublish(run, policy, await readSqlFiles(policy), next);
      return undefined;
    });
  }
  await verifyFinished(run, shapedColumns(plan.tables), policy, constraints, carried, next.name);
}

async function carryOver(
  run: ForkRun,
  { plan }: Treatment,
  next: { readonly name: string; readonly searchPath: string },
): Promise<readonly Carried[]> {
  const { policy } = plan;
  const { previousStaging } = run.config;
  if (!policy) return [];
  // A run that died meanwhile may have carried some already.
  await using session = await openFork(run);
  for (const { key, table } of policy.laterKeys)
    await session.run(`alter table ${qualified(table)} drop constraint if exists ${ident(key.name)}`);
  for (const { table } of policy.preserved.filter(({ whole }) => whole))
    await session.run(`truncate only ${qualified(table)}`);
  const open = previousStaging ? () => openPreviousRows(run, previousStaging) : async () => noRows;
  return (await preserve(run, policy, open, next)).carried;
}

/** What its users change from now on stays there: the switch is somebody else's, and later. */
async function openPreviousRows(run: ForkRun, staging: ServerAddress): Promise<OwnRows & AsyncDisposable> {
  const rows = await openLiveRows({ ...run, config: { ...run.config, staging } }, staging.database);
  return {
    live: null,
    columnsOf: (table) => rows.columnsOf(table),
    isEmpty: () => rows.isEmpty(),
    feed: (table, columns, into) => rows.feed(table, columns, into),
    [Symbol.asyncDispose]: () => rows[Symbol.asyncDispose](),
  };
}

/** Of a first staging. */
const noRows: OwnRows & AsyncDisposable = {
  live: null,
  columnsOf: async () => [],
  isEmpty: async () => true,
  feed: async () => 0,
  [Symbol.asyncDispose]: async () => undefined,
};

/** The team's own steps may not be what can be done twice. */
async function refuseHalfDone(run: ForkRun, session: Session): Promise<void> {
  const finished = await readDone(session);
  if (!finished.has(begun) || finished.has('before-publish')) return;
  throw new RefreshError('fork-spoiled', 'an earlier run died in the middle of the policy’s own steps', {
    object: describeAddress(run.config.staging),
    hint: 'nobody knows which of them are done: make a new fork',
  });
}

const begun = 'before-publish has begun';
