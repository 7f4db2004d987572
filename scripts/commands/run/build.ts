import { basename } from 'node:path';
import { type Exclusion, manyTables, type Plan, type PolicyPlan } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import type { Verified } from '../../model/verified.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import { beforePublish, hasSteps, readSqlFiles, type SqlFile } from '../../stages/before-publish.ts';
import { type NextDatabase, readOrigin } from '../../stages/database.ts';
import { plan } from '../../stages/plan.ts';
import type { Preflight } from '../../stages/preflight.ts';
import { type Carried, type Preserved, preserve } from '../../stages/preserve.ts';
import { dumpSchema } from '../../stages/schema.ts';
import { withSnapshot } from '../../stages/snapshot.ts';
import { type Shaped, shapedColumns, verifyFinished } from '../../stages/verify/finished.ts';
import { allDone, meanwhile } from '../../system/all-done.ts';
import { packed } from '../../system/packed.ts';
import { giveBack } from '../../system/short-lived-memory.ts';
import type { Stopwatch } from '../../system/stopwatch.ts';
import { openBeside } from './beside.ts';
import { expectCopy, makeCopy } from './copy.ts';
import { openLive } from './in-place.ts';
import type { Outcome } from './outcome.ts';
import type { Copy } from './rest-of-copy.ts';
import type { Coming, Site } from './site.ts';
import { Standstill, untilStill } from './standstill.ts';

export interface Built {
  readonly verified: Verified;
  /** Staging's own rows, what the team runs before publishing, owners and privileges; gives what publishing holds. */
  readonly makeOwn: () => Promise<Preserved['hold']>;
  readonly site: Site;
}

/** Makes the copy where the strategy says and proves that it is production's; if it can't, leaves nothing of it. */
export async function buildNext(
  run: Run,
  checked: Preflight,
  stopwatch: Stopwatch,
  outcome: Outcome,
): Promise<Built> {
  return await untilStill(run, (patient) => buildOnce(run, checked, stopwatch, outcome, patient));
}

async function buildOnce(
  run: Run,
  checked: Preflight,
  stopwatch: Stopwatch,
  outcome: Outcome,
  patient: AbortSignal,
): Promise<Built> {
  const phase = (name: string) => {
    run.signal.throwIfAborted();
    stopwatch.phase(name);
    giveBack();
  };
  phase('snapshot');
  return await withSnapshot(run, async (snapshot) => {
    // What is known of each table is let go when this returns: of many, pg_dump needs the room.
    const { site, prove, makeOwn, giveAway } = await copyUnder(
      snapshot,
      new Standstill(run, snapshot, patient),
      run,
      checked,
      stopwatch,
      outcome,
      phase,
    );
    try {
      const verified = await prove();
      return {
        verified,
        site,
        // Production is no part of what follows: its snapshot is let go first.
        makeOwn: async () => {
          const hold = await makeOwn();
          await giveAway();
          return hold;
        },
      };
    } catch (error) {
      await site.discard();
      throw error;
    }
  });
}

interface Copied extends Pick<Copy, 'prove' | 'giveAway'> {
  readonly site: Site;
  readonly makeOwn: Built['makeOwn'];
}

async function copyUnder(
  snapshot: Snapshot,
  standstill: Standstill,
  run: Run,
  checked: Preflight,
  stopwatch: Stopwatch,
  outcome: Outcome,
  phase: (name: string) => void,
): Promise<Copied> {
  phase('plan');
  const dump = (exclusion?: Exclusion) =>
    dumpSchema(run, checked.tools, checked.servers, snapshot, exclusion);
  // pg_dump asks one thing after the other; only a policy has something to say about what.
  const begun = run.config.policy ? undefined : dump();
  // Of many tables it takes much memory, and so does what we read of them: it is over before that begins.
  if (begun && snapshot.tables > manyTables) await standstill.told(begun);
  const [planned, origin] = await meanwhile(begun, () =>
    standstill.told(
      allDone([plan(run, snapshot), readOrigin(snapshot.session, checked.servers.production.locale)]),
    ),
  );
  const sqlFiles = planned.policy ? await readSqlFiles(planned.policy) : [];

  phase('schema');
  snapshot.expectReaders(run.config.jobs);
  const stagingBackup = outcome.stagingBackup ? basename(outcome.stagingBackup.path) : null;
  const dumping = begun ?? dump(planned.policy?.exclusion);
  const site = await meanwhile(dumping, async () => {
    const ground = { run, checked, origin, ready: (next: NextDatabase) => expectCopy(run, next) };
    if (run.config.strategy !== 'in-place') return await openBeside(ground);
    return await openLive({ ...ground, coming: comingOf(planned, snapshot), stagingBackup });
  });
  const { lockCapacity } = checked.servers.staging;
  const destination = { run: site.run, tools: checked.tools, database: site.next.name, lockCapacity };
  const making = { run, checked, snapshot, standstill, planned, origin, site, destination, outcome, phase };
  try {
    const { prove, giveAway, promised } = await makeCopy(making, dumping);
    const makeOwn = makingOwn(site, planned, promised, sqlFiles, stopwatch, outcome);
    return { site, prove, makeOwn, giveAway };
  } catch (error) {
    await site.discard();
    throw error;
  }
}

function comingOf({ policy, tables, catalog }: Plan, { session }: Snapshot): Coming {
  return {
    preserved: policy?.preserved ?? [],
    tables,
    extensions: new Set(catalog.extensions.map(({ name }) => name)),
    schemasNamed: (names) =>
      session.rows<{ oid: number; name: string }>(
        'select oid, nspname::text as name from pg_catalog.pg_namespace where nspname = any ($1)',
        [[...names]],
      ),
  };
}

const nothing = async () => undefined;

/** Keeps of the plan what the policy still wants, and without a policy nothing. */
function makingOwn(
  site: Site,
  { policy, tables }: Plan,
  constraints: Copy['promised'],
  files: readonly SqlFile[],
  stopwatch: Stopwatch,
  outcome: Outcome,
): Built['makeOwn'] {
  if (!policy) return nothing;
  const shaped = packed(shapedColumns(tables));
  return ownOf(site, policy, shaped, constraints, files, stopwatch, outcome);
}

/** A function of its own: see rest-of-copy.ts. */
function ownOf(site: Site, policy: PolicyPlan, ...rest: RestOfOwn): Built['makeOwn'] {
  return () => makeRowsOwn(site, policy, ...rest);
}

type RestOfOwn = [
  shaped: () => readonly Shaped[],
  constraints: Copy['promised'],
  files: readonly SqlFile[],
  stopwatch: Stopwatch,
  outcome: Outcome,
];

/** What the policy wants of the new database beside production's rows, and a last look at all of it. */
async function makeRowsOwn(
  { run, next, openOwnRows }: Site,
  policy: PolicyPlan,
  ...[shaped, constraints, files, stopwatch, outcome]: RestOfOwn
): Promise<Preserved['hold']> {
  let preserved: Preserved = { carried: [] };
  if (policy.preserved.length > 0 || policy.laterKeys.length > 0) {
    stopwatch.phase('preserve');
    preserved = await preserve(run, policy, openOwnRows, next);
    outcome.tables = withCarried(outcome.tables, preserved.carried);
  }
  if (hasSteps(policy.beforePublish)) {
    stopwatch.phase('before-publish');
    await beforePublish(run, policy, files, next);
  }
  await verifyFinished(run, shaped(), policy, constraints(), preserved.carried, next.name);
  return preserved.hold;
}

/** The tables with the rows that were carried over from the staging before. */
export function withCarried(tables: readonly LoadedTable[], carried: readonly Carried[]): LoadedTable[] {
  const rows = new Map(carried.map((table) => [`${table.schema}.${table.name}`, table.rows]));
  return tables.map((table) => {
    const preserved = rows.get(`${table.schema}.${table.name}`);
    return preserved === undefined ? table : { ...table, preserved };
  });
}
