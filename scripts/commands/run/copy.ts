import type { LeftOut, Plan } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import type { TableRef } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import { findDependent } from '../../postgres/extension-dependents.ts';
import { renameShares } from '../../postgres/key-shares.ts';
import {
  dumpSettings,
  expectMaintenance,
  expectStaging,
  handOnStaging,
  openStaging,
} from '../../postgres/run-sessions.ts';
import { beginArtifact, finishArtifact } from '../../stages/artifact.ts';
import type { NextDatabase } from '../../stages/database.ts';
import { countRows, withoutUntouchable } from '../../stages/extensions/rows.ts';
import { createExtensions, readStrangers } from '../../stages/extensions.ts';
import { SnapshotRows } from '../../stages/load/snapshot-rows.ts';
import { expectLoad, type Loaded, load } from '../../stages/load.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { type SchemaArchive, withoutExtensions } from '../../stages/schema/choice.ts';
import { makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { withoutMade } from '../../stages/schema/sections.ts';
import {
  definitionsMade,
  definitionsTaken,
  privilegesOf,
  restorePostData,
  restorePreData,
  restoreSchemas,
} from '../../stages/schema.ts';
import { type Settled, settle, settleSettings } from '../../stages/settle.ts';
import { readEstimates, refuseShrunk } from '../../stages/shrink.ts';
import { verifyCopy, withoutExclusion, withoutPlanned } from '../../stages/verify.ts';
import { allDone } from '../../system/all-done.ts';
import { giveBack } from '../../system/short-lived-memory.ts';
import { type BesideRows, readBesideRows } from './beside-rows.ts';
import { asMade, planArtifact } from './copy-artifact.ts';
import { definitionsRestored } from './definitions-restored.ts';
import { makeLast } from './last.ts';
import type { Making } from './making.ts';

export interface Copy {
  readonly verified: Verified;
  /** Constraints that the finished database has to have, and whether each is validated. */
  readonly promised: ReadonlyMap<string, boolean>;
  /** Owners and privileges: the last thing that is done to it. */
  readonly giveAway: () => Promise<void>;
}

/** Begins to open the connections that the copy takes to the new database: a new one takes six round trips. */
export function expectCopy(run: Run, next: NextDatabase): void {
  // For what stands before the rows, and for what comes after them.
  expectStaging(run, next.name, makingSettings, 2);
  expectStaging(run, next.name, dumpSettings);
  expectLoad(run, next);
}

/** The copy with all of its definitions, proved, and its artifact. */
export async function makeCopy(wanted: Making, dumping: Promise<SchemaArchive>): Promise<Copy> {
  const { run, checked, snapshot, site, outcome, phase } = wanted;
  const [dumped, beside, estimates] = await allDone([
    dumping,
    readBesideRows(wanted.planned, snapshot),
    readEstimates(run, checked.servers.staging.name),
  ]);
  outcome.leftOut.push(...wanted.planned.leftOut, ...dumped.leftOut);
  const { archive, planned, unreadable } = await makeEmpty(wanted, dumped);
  const destination = { ...wanted.destination, unreadable };
  const making = { ...wanted, planned, destination };

  phase('copy');
  const { content, full } = await planArtifact(making, archive, beside);
  await using artifact = content && (await beginArtifact(run, content));
  const rows = new SnapshotRows(snapshot, artifact, full?.tapped);
  const loaded = await load(site.run, withoutMade(planned, archive), rows, site.next, (work) => {
    outcome.work = work;
  });
  outcome.tables = loaded.tables;

  phase('constraints');
  refuseShrunk(run, planned, loaded.tables, estimates);
  const { filled, leftOut } = await makeRest(making, archive, loaded, beside);
  outcome.leftOut.push(...leftOut);

  await artifact?.rest();
  phase('verify');
  const verified = await verifyCopy(site.run, planned, snapshot, site.next.name, {
    rows: loaded.rows,
    constraints: withoutPlanned(planned, beside.constraints),
    definitions: {
      production: () => definitionsTaken(destination, archive),
      staging: async () => site.definitions(await definitionsMade(destination)),
      restored: definitionsRestored(site, destination, archive, planned.catalog),
    },
  });
  outcome.verified = verified;
  // Only a copy that was found to be production's gives its file a name.
  if (artifact) {
    giveBack();
    const written = full ? await full.complete(artifact, loaded.tables) : loaded.tables;
    outcome.artifact = await finishArtifact(
      run,
      artifact,
      asMade(content, planned, filled, leftOut),
      written,
    );
  }
  return {
    verified,
    promised: withoutExclusion(planned, beside.constraints),
    giveAway: async () => {
      const missing = await assignOwners(
        site.run,
        checked.servers,
        beside.ownership,
        site.next.name,
        await privilegesOf(destination, archive),
      );
      const late = await makeLast(site, checked.servers, destination, archive, beside.ownership, site.grants);
      outcome.leftOut.push(...missing, ...late);
      for (const { object, reason } of outcome.leftOut) run.log.warn(`left out: ${object}: ${reason}`);
    },
  };
}

/** Everything that rows need to be loaded. */
async function makeEmpty(
  { snapshot, planned, site, destination, outcome }: Making,
  dumped: SchemaArchive,
): Promise<{ archive: SchemaArchive; planned: Plan; unreadable: readonly TableRef[] }> {
  await using session = await openStaging(site.run, site.next.name, makingSettings);
  await restoreSchemas(destination, session, dumped, site.standing.schemas);
  const missing = await createExtensions(
    site.run,
    session,
    (extension) => findDependent(snapshot.session, extension),
    planned.catalog.extensions.filter(({ name }) => !site.standing.extensions.has(name)),
  );
  const { plan, leftOut, unreadable } = await withoutUntouchable(session, planned, (tables) =>
    countRows(snapshot.session, tables),
  );
  const made = withoutExtensions(dumped, new Set(missing.map(({ name }) => name)));
  const notHere = [...missing.map(({ object, reason }) => ({ object, reason })), ...leftOut];
  outcome.leftOut.push(...notHere);
  const archive = { ...made, leftOut: [...made.leftOut, ...notHere] };
  await restorePreData(destination, session, archive, new Set(planned.catalog.partitionedIndexes));
  return { archive, planned: plan, unreadable };
}

/** What rows are not needed for, or would be in the way of. */
async function makeRest(
  { run, snapshot, planned: { catalog }, site, destination }: Making,
  archive: SchemaArchive,
  { built }: Loaded,
  { views, foreign }: BesideRows,
): Promise<Settled> {
  if (run.config.strategy === 'swap') expectMaintenance(run);
  const session = await openStaging(site.run, site.next.name, makingSettings);
  let strangers: readonly LeftOut[];
  try {
    const partitioned = new Set(catalog.partitionedIndexes);
    await restorePostData(destination, session, archive, partitioned, built, keysOfPartitions(catalog));
    [strangers] = await allDone([readStrangers(snapshot.session, session), renameShares(session, catalog)]);
  } finally {
    await handOnStaging(site.run, site.next.name, session, settleSettings(site.next));
  }
  const settled = await settle(site.run, catalog, views, site.next, foreign);
  return { ...settled, leftOut: [...strangers, ...settled.leftOut] };
}
