import type { ArtifactIndex } from '../../artifact/index-schema.ts';
import type { ArtifactReader } from '../../artifact/reader.ts';
import { ArtifactRows } from '../../artifact/rows.ts';
import { type LeftOut, manyTables, type Plan } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import { qualified } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import type { OwnershipFacts } from '../../postgres/identity.ts';
import { renameShares } from '../../postgres/key-shares.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { findServerTools } from '../../postgres/server-tools.ts';
import { withoutUntouchable } from '../../stages/extensions/rows.ts';
import { createExtensions } from '../../stages/extensions.ts';
import { type Loaded, load } from '../../stages/load.ts';
import { preserve } from '../../stages/preserve.ts';
import { extractArchive, planRestore } from '../../stages/restore.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { type Destination, makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { withoutMade } from '../../stages/schema/sections.ts';
import { restorePostData, restorePreData, restoreSchemas } from '../../stages/schema.ts';
import { settle } from '../../stages/settle.ts';
import { type Shaped, shapedColumns, verifyFinished } from '../../stages/verify/finished.ts';
import { compareRestored, verifiedRestored } from '../../stages/verify/restored.ts';
import type { Compared } from '../../stages/verify.ts';
import { meanwhile } from '../../system/all-done.ts';
import { packed } from '../../system/packed.ts';
import { giveAway } from '../run/last.ts';
import { type Definitions, definitionsToCompare, packArchive } from '../run/rest-of-copy.ts';
import type { Coming, Site } from '../run/site.ts';
import { type Built, type Listener, type Place, phaseOf } from './place.ts';

/** Loads an artifact in parallel, by its index. @param tell hears of each phase, and of what is found. */
export async function buildFromArtifact<SomeRun extends StagingRun>(
  place: Place<SomeRun>,
  reader: ArtifactReader,
  tell: Listener,
): Promise<Built<SomeRun>> {
  // What is known of each table is let go when this returns: of many, pg_dump needs the room.
  const { site, prove, ...rest } = await loadArtifact(place, reader, tell);
  reader.letGo();
  try {
    return { verified: await prove(), site, ...rest };
  } catch (error) {
    await site.discard();
    throw error;
  }
}

interface Filled<SomeRun extends StagingRun> extends Omit<Built<SomeRun>, 'verified'> {
  /** Compares what was not compared yet. */
  readonly prove: () => Promise<Verified>;
}

async function loadArtifact<SomeRun extends StagingRun>(
  place: Place<SomeRun>,
  reader: ArtifactReader,
  tell: Listener,
): Promise<Filled<SomeRun>> {
  const { run, server } = place;
  const { index } = reader;
  const phase = phaseOf(place, tell);
  phase('schema');
  const tools = await findServerTools(run.config.environment);
  const archive = await extractArchive(run, reader);
  const rows = new ArtifactRows(reader);
  const wanted = planRestore(run, reader, rows);
  // Not the index itself, which the site would keep.
  const { locale, settings, userSchemas } = index;
  const site = await place.open({ locale, settings, userSchemas }, comingOf(reader, wanted, archive));
  const { lockCapacity } = server.staging;
  const destination = { run: site.run, tools, database: site.next.name, lockCapacity };
  try {
    const { plan, leftOut, unreadable } = await makeEmpty({
      site,
      index,
      plan: wanted,
      archive,
      destination,
    });
    const making = { site, index, plan, archive, destination: { ...destination, unreadable } };
    phase('load');
    const loaded = await load(site.run, withoutMade(plan, archive), rows, site.next, (work) =>
      tell.worked?.(work),
    );
    tell.loaded(loaded.tables);
    phase('constraints');
    await makeRest(making, loaded);
    phase('verify');
    const archived = packArchive(archive);
    const definitions = definitionsToCompare(site, making.destination, archived, plan);
    const comparing = plan.tables.length > manyTables ? undefined : definitions(false);
    const compared = await meanwhile(comparing, () => compare(making, loaded));
    return {
      site,
      prove: proving(site, compared, definitions, await comparing),
      ...afterwards(site, server, destination, phase, {
        archived,
        leftOut,
        preserved: index.preserved,
        ownership: packed(index.ownership),
        constraints: packed(index.constraints),
        shaped: packed(shapedColumns(plan.tables)),
      }),
    };
  } catch (error) {
    await site.discard();
    throw error;
  }
}

// As in run/rest-of-copy.ts: functions that keep nothing but what they are given.

function proving(
  { run, next }: Site<StagingRun>,
  compared: Compared,
  definitions: Definitions,
  entries: number | undefined,
): () => Promise<Verified> {
  return async () => verifiedRestored(run, next.name, compared, entries ?? (await definitions(true)));
}

/** What is wanted of an artifact when its rows are proved. */
interface Kept {
  readonly archived: () => SchemaArchive;
  readonly leftOut: readonly LeftOut[];
  readonly preserved: ArtifactIndex['preserved'];
  readonly ownership: () => OwnershipFacts;
  readonly constraints: () => ArtifactIndex['constraints'];
  readonly shaped: () => readonly Shaped[];
}

function afterwards(
  site: Site<StagingRun>,
  server: StagingServer,
  destination: Destination,
  phase: (name: string) => void,
  { archived, leftOut, preserved, ownership, constraints, shaped }: Kept,
): Pick<Built, 'carryOver' | 'verifyFinished' | 'handOver'> {
  return {
    carryOver: async () => {
      if (preserved.preserved.length > 0) phase('preserve');
      return await preserve(site.run, preserved, () => site.openOwnRows(), site.next);
    },
    verifyFinished: async (carried, beforePublish) => {
      const policy = { preserved: preserved.preserved, beforePublish };
      const promised = new Map(constraints());
      await verifyFinished(site.run, shaped(), policy, promised, carried, site.next.name);
    },
    handOver: async (of) => {
      const archive = archived();
      const refused = await giveAway(of, server, destination, archive, ownership(), site.before.grants);
      return [...archive.leftOut, ...leftOut, ...refused];
    },
  };
}

interface Making {
  readonly site: Site<StagingRun>;
  readonly index: ArtifactReader['index'];
  readonly plan: Plan;
  readonly archive: SchemaArchive;
  readonly destination: Destination;
}

function comingOf({ index }: ArtifactReader, { tables }: Plan, archive: SchemaArchive): Coming {
  return {
    preserved: index.preserved.preserved,
    tables,
    extensions: new Set(index.catalog.extensions.map(({ name }) => name)),
    schemasNamed: async (names) =>
      archive.preData.flatMap(({ type, objectOid: oid, rest }) => {
        if (type !== 'SCHEMA') return [];
        // `- NAME OWNER`, neither of them in quotes.
        const fitting = [...names].filter((name) => rest.startsWith(`- ${name} `));
        const [name] = fitting.sort((one, other) => other.length - one.length);
        return name === undefined ? [] : [{ oid, name }];
      }),
  };
}

/** Everything that rows need to be loaded. */
async function makeEmpty({
  site,
  index,
  plan,
  archive,
  destination,
}: Making): ReturnType<typeof withoutUntouchable> {
  await using session = await openStaging(site.run, destination.database, makingSettings);
  await restoreSchemas(destination, session, archive, site.standing.schemas);
  const needed = new Set(
    archive.preData.flatMap(({ type, rest }) =>
      type === 'EXTENSION' ? [rest.slice('- '.length).trim()] : [],
    ),
  );
  const extensions = plan.catalog.extensions.filter(
    ({ name }) => needed.has(name) && !site.standing.extensions.has(name),
  );
  await createExtensions(site.run, session, async () => 'the artifact', extensions);
  const rows = new Map(index.tables.map((table) => [table.oid, table.rows]));
  const writable = await withoutUntouchable(session, plan, async (tables) =>
    tables.map(({ table }) => rows.get(table.oid) ?? 0),
  );
  await restorePreData(destination, session, archive, new Set(plan.catalog.partitionedIndexes));
  return writable;
}

/** What rows are not needed for, or would be in the way of. */
async function makeRest(
  { site, index, plan: { catalog }, archive, destination }: Making,
  { built }: Loaded,
): Promise<void> {
  const partitioned = new Set(catalog.partitionedIndexes);
  {
    await using session = await openStaging(site.run, destination.database, makingSettings);
    await restorePostData(destination, session, archive, partitioned, built, keysOfPartitions(catalog));
    await renameShares(session, catalog);
  }
  const views = catalog.tables.filter(({ oid }) => index.views.includes(oid));
  views.sort((a, b) => index.views.indexOf(a.oid) - index.views.indexOf(b.oid));
  await settle(site.run, catalog, views, site.next);
}

async function compare({ site, index, plan }: Making, { tables }: Loaded): Promise<Compared> {
  const planned = new Set(plan.tables.map(({ table }) => table.oid));
  const notTaken = new Set(
    index.catalog.tables.flatMap((table) => (planned.has(table.oid) ? [] : `only ${qualified(table)}`)),
  );
  const expected = {
    rows: new Map(index.tables.flatMap(({ oid, rows }) => (planned.has(oid) ? [[oid, rows] as const] : []))),
    counted: index.counted.filter(({ from }) => !notTaken.has(from)),
    constraints: new Map(index.constraints),
    madeAt: index.madeAt,
  };
  return await compareRestored(site.run, plan, tables, expected, site.next.name);
}
