import { basename } from 'node:path';
import type { Table } from '../../model/catalog.ts';
import type { Exclusion, Plan } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import type { Verified } from '../../model/verified.ts';
import { readViewDependencies } from '../../postgres/catalog.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { type OwnershipFacts, readOwnership } from '../../postgres/identity.ts';
import { noLargeObjects } from '../../postgres/large-objects.ts';
import { expectMaintenance, expectStaging, openStaging, type Snapshot } from '../../postgres/run-sessions.ts';
import { type ArtifactContent, beginArtifact, finishArtifact, laterOids } from '../../stages/artifact.ts';
import { beforePublish, readSqlFiles, type SqlFile } from '../../stages/before-publish.ts';
import { readOrigin } from '../../stages/database.ts';
import { createExtensions, findDependent } from '../../stages/extensions.ts';
import { SnapshotRows } from '../../stages/load/snapshot-rows.ts';
import { expectLoad, load } from '../../stages/load.ts';
import { assignOwners, expectOwners } from '../../stages/ownership.ts';
import { plan } from '../../stages/plan.ts';
import type { Preflight } from '../../stages/preflight.ts';
import { type Carried, type Preserved, preserve } from '../../stages/preserve.ts';
import { withoutExtensions } from '../../stages/schema/choice.ts';
import { makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import {
  definitionsAroundRows,
  definitionsMade,
  definitionsTaken,
  dumpSchema,
  privilegesOf,
  restorePostData,
  restorePreData,
  restoreSchemas,
} from '../../stages/schema.ts';
import { expectSettlement, orderOfViews, settle } from '../../stages/settle.ts';
import { refuseShrunk } from '../../stages/shrink.ts';
import { withSnapshot } from '../../stages/snapshot.ts';
import { verifyFinished } from '../../stages/verify/finished.ts';
import { expectVerification, verifyCopy, withoutExclusion, withoutPlanned } from '../../stages/verify.ts';
import { allDone, meanwhile } from '../../system/all-done.ts';
import type { Stopwatch } from '../../system/stopwatch.ts';
import { openBeside } from './beside.ts';
import { planFullArtifact } from './full-artifact.ts';
import { openLive } from './in-place.ts';
import type { Outcome } from './outcome.ts';
import type { Site } from './site.ts';

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
  const phase = (name: string) => {
    run.signal.throwIfAborted();
    stopwatch.phase(name);
  };
  phase('snapshot');
  return await withSnapshot(run, async (snapshot) => {
    phase('plan');
    const dump = (exclusion?: Exclusion) =>
      dumpSchema(run, checked.tools, checked.servers, snapshot, exclusion);
    // pg_dump asks one thing after the other; only a policy has something to say about what.
    const begun = run.config.policy ? undefined : dump();
    const planned = await meanwhile(begun, () => plan(run, snapshot));
    const sqlFiles = planned.policy ? await readSqlFiles(planned.policy) : [];

    phase('schema');
    const stagingBackup = outcome.stagingBackup ? basename(outcome.stagingBackup.path) : null;
    const dumping = begun ?? dump(planned.policy?.exclusion);
    const [origin, site] = await meanwhile(dumping, async () => {
      const read = await readOrigin(snapshot.session, checked.servers.production.locale);
      const open = run.config.strategy === 'in-place' ? openLive : openBeside;
      return [read, await open({ run, checked, planned, snapshot, origin: read, stagingBackup })] as const;
    });
    const { next, standing } = site;
    try {
      // For what stands before the rows, and for what comes after them.
      expectStaging(site.run, next.name, makingSettings, 2);
      const [dumped, { views, ownership, constraints }] = await allDone([
        dumping,
        readBesideRows(planned, snapshot),
      ]);
      outcome.leftOut.push(...dumped.leftOut);
      const { lockCapacity } = checked.servers.staging;
      const destination = { run: site.run, tools: checked.tools, database: next.name, lockCapacity };
      const partitioned = new Set(planned.catalog.partitionedIndexes);
      const makeEmpty = async () => {
        await using session = await openStaging(site.run, next.name, makingSettings);
        await restoreSchemas(destination, session, dumped, standing.schemas);
        const missing = await createExtensions(
          site.run,
          session,
          (extension) => findDependent(snapshot.session, extension),
          planned.catalog.extensions.filter(({ name }) => !standing.extensions.has(name)),
        );
        outcome.leftOut.push(...missing);
        const made = withoutExtensions(dumped, new Set(missing.map(({ name }) => name)));
        const [, taken, privileges] = await allDone([
          restorePreData(destination, session, made, partitioned),
          definitionsTaken(destination, made),
          privilegesOf(destination, made),
        ]);
        return { archive: made, taken, privileges };
      };
      expectLoad(site.run, next);
      const { archive, taken, privileges } = await makeEmpty();

      phase('copy');
      const last = keysOfPartitions(planned.catalog);
      const copied: ArtifactContent | undefined = run.config.artifact && {
        content: 'copied',
        production: checked.servers.production,
        plan: planned,
        views,
        origin,
        searchPath: next.searchPath,
        definitions: await definitionsAroundRows(destination, archive, last, laterOids(planned)),
        archive,
        ownership,
        constraints: withoutPlanned(planned, constraints),
      };
      const full = copied && (await planFullArtifact(run, checked, snapshot, planned, copied));
      const content = full?.content ?? copied;
      await using artifact = content && (await beginArtifact(run, content));
      const rows = new SnapshotRows(snapshot, artifact, full?.tapped);
      const loaded = await load(site.run, planned, rows, next, (work) => {
        outcome.work = work;
      });
      outcome.tables = loaded.tables;

      phase('constraints');
      const finish = async () => {
        await using session = await openStaging(site.run, next.name, makingSettings);
        await restorePostData(destination, session, archive, partitioned, loaded.built, last);
      };
      expectSettlement(site.run, next);
      expectVerification(run, site.run, next.name);
      await allDone([refuseShrunk(run, planned, loaded.tables, checked.servers.staging.name), finish()]);
      await settle(site.run, planned.catalog, views, next);

      phase('verify');
      expectOwners(site.run, next.name);
      if (run.config.strategy === 'swap') expectMaintenance(run);
      const promised = withoutExclusion(planned, constraints);
      outcome.verified = await verifyCopy(site.run, planned, snapshot, next.name, async () => ({
        production: taken,
        staging: site.definitions(await definitionsMade(destination)),
      }));
      // Only a copy that was found to be production's gives its file a name.
      if (artifact) {
        const written = full ? await full.complete(artifact, loaded.tables) : loaded.tables;
        outcome.artifact = await finishArtifact(run, artifact, content, written);
      }
      return {
        verified: outcome.verified,
        site,
        // Production is no part of what follows: its snapshot is let go first.
        makeOwn: async () => {
          const hold = await makeRowsOwn(site, planned, promised, sqlFiles, stopwatch, outcome);
          outcome.leftOut.push(
            ...(await assignOwners(site.run, checked.servers, ownership, next.name, privileges)),
          );
          for (const { object, reason } of outcome.leftOut) run.log.warn(`left out: ${object}: ${reason}`);
          return hold;
        },
      };
    } catch (error) {
      await site.discard();
      throw error;
    }
  });
}

/** What waits until the rows are there, and who owns what. */
async function readBesideRows(
  { catalog }: Plan,
  { session }: Snapshot,
): Promise<{
  readonly views: Table[];
  readonly ownership: OwnershipFacts;
  readonly constraints: ReadonlyMap<string, boolean>;
}> {
  const [dependencies, ownership, constraints] = await allDone([
    readViewDependencies(session),
    readOwnership(session),
    readConstraints(session),
  ]);
  // The policy may have left all of them out.
  const largeObjects = catalog.largeObjects.length === 0 ? noLargeObjects : ownership.largeObjects;
  const views = orderOfViews(catalog, dependencies);
  return { views, ownership: { ...ownership, largeObjects }, constraints };
}

/** What the policy wants of the new database beside production's rows, and a last look at all of it. */
async function makeRowsOwn(
  { run, next, openOwnRows }: Site,
  planned: Plan,
  constraints: ReadonlyMap<string, boolean>,
  files: readonly SqlFile[],
  stopwatch: Stopwatch,
  outcome: Outcome,
): Promise<Preserved['hold']> {
  const { policy } = planned;
  if (!policy) return undefined;
  let preserved: Preserved = { carried: [] };
  if (policy.preserved.length > 0 || policy.laterKeys.length > 0) {
    stopwatch.phase('preserve');
    preserved = await preserve(run, policy, openOwnRows, next);
    outcome.tables = withCarried(outcome.tables, preserved.carried);
  }
  const { sql, command, check } = policy.beforePublish;
  if (sql.length > 0 || command !== null || check.length > 0) {
    stopwatch.phase('before-publish');
    await beforePublish(run, policy, files, next);
  }
  await verifyFinished(run, planned, policy, constraints, preserved.carried, next.name);
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
