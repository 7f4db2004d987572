import { type LeftOut, manyTables, type Plan } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import type { TableRef } from '../../model/table.ts';
import { findDependent } from '../../postgres/extension-dependents.ts';
import { renameShares } from '../../postgres/key-shares.ts';
import {
  dumpSettings,
  expectMaintenance,
  expectStaging,
  handOnStaging,
  openStaging,
} from '../../postgres/run-sessions.ts';
import { beginArtifact, completeArtifact, type NamelessArtifact } from '../../stages/artifact.ts';
import type { NextDatabase } from '../../stages/database.ts';
import { countRows, withoutUntouchable } from '../../stages/extensions/rows.ts';
import { createExtensions, readStrangers } from '../../stages/extensions.ts';
import { SnapshotRows } from '../../stages/load/snapshot-rows.ts';
import { expectLoad, type Loaded, load } from '../../stages/load.ts';
import { type SchemaArchive, withoutExtensions } from '../../stages/schema/choice.ts';
import { makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { withoutMade } from '../../stages/schema/sections.ts';
import { restorePostData, restorePreData, restoreSchemas } from '../../stages/schema.ts';
import { type Settled, settle, settleSettings } from '../../stages/settle.ts';
import { readEstimates, refuseShrunk } from '../../stages/shrink.ts';
import { compareCopy, withoutExclusion, withoutPlanned } from '../../stages/verify.ts';
import { allDone, meanwhile } from '../../system/all-done.ts';
import { packed } from '../../system/packed.ts';
import { giveBack } from '../../system/short-lived-memory.ts';
import { type BesideRows, readBesideRows } from './beside-rows.ts';
import { asMade, planArtifact } from './copy-artifact.ts';
import type { Making } from './making.ts';
import { type Copy, definitionsToCompare, givingAway, packArchive, proving } from './rest-of-copy.ts';

/** Begins to open the connections that the copy takes to the new database: a new one takes six round trips. */
export function expectCopy(run: Run, next: NextDatabase): void {
  // For what stands before the rows, and for what comes after them.
  expectStaging(run, next.name, makingSettings, 2);
  expectStaging(run, next.name, dumpSettings);
  expectLoad(run, next);
}

/**
 * The copy with all of its definitions, and its artifact. Of few tables all is compared when it returns; of many their
 * definitions are left to `prove`: pg_dump needs the room that the plan takes, which is let go first.
 */
export async function makeCopy(wanted: Making, dumping: Promise<SchemaArchive>): Promise<Copy> {
  const { run, checked, snapshot, site, outcome, phase } = wanted;
  const [dumped, beside, estimates] = await wanted.standstill.still(
    allDone([
      dumping,
      readBesideRows(wanted.planned, snapshot),
      readEstimates(run, checked.servers.staging.name),
    ]),
  );
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
  const archived = packArchive(archive);
  const definitions = definitionsToCompare(site, destination, archived, planned);
  const many = planned.tables.length > manyTables;
  const comparing = many ? undefined : definitions(false);
  const expected = { rows: loaded.rows, constraints: withoutPlanned(planned, beside.constraints) };
  const compared = await meanwhile(comparing, () =>
    compareCopy(site.run, planned, snapshot, site.next.name, expected),
  );
  const entries = await comparing;
  let nameless: NamelessArtifact | undefined;
  if (artifact) {
    giveBack();
    const written = full ? await full.complete(artifact, loaded.tables) : loaded.tables;
    nameless = await completeArtifact(run, artifact, asMade(content, planned, filled, leftOut), written);
  }
  return {
    prove: proving(site, outcome, compared, definitions, entries, nameless),
    promised: packed(withoutExclusion(planned, beside.constraints)),
    giveAway: givingAway(site, outcome, checked.servers, destination, archived, packed(beside.ownership)),
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
