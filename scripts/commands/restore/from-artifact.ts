import type { ArtifactReader } from '../../artifact/reader.ts';
import { ArtifactRows } from '../../artifact/rows.ts';
import type { LeftOut } from '../../model/plan.ts';
import type { BeforePublish } from '../../model/policy.ts';
import type { Work } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { findServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import { createNext, type NextDatabase } from '../../stages/database.ts';
import { createExtensions } from '../../stages/extensions.ts';
import { type Loaded, load } from '../../stages/load.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { openLiveRows, type Preserved, preserve } from '../../stages/preserve.ts';
import { extractArchive, planRestore, requireVersion } from '../../stages/restore.ts';
import { makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import {
  definitionsMade,
  definitionsTaken,
  privilegesOf,
  restorePostData,
  restorePreData,
  restoreSchemas,
} from '../../stages/schema.ts';
import { settle } from '../../stages/settle.ts';
import { verifyFinished } from '../../stages/verify/finished.ts';
import { verifyRestored } from '../../stages/verify/restored.ts';
import { discardNext } from '../run-scope.ts';

/** Who hears how far it is. */
export interface Listener {
  phase(name: string): void;
  loaded(tables: Loaded['tables']): void;
  /** What each worker did, also when loading ends early. */
  worked?(work: Work): void;
}

/** What of the team's own may change rows before publishing. */
export type Steps = Pick<BeforePublish, 'sql' | 'command'>;

/** A database beside the live one that holds what a file says. */
export interface Built {
  readonly verified: Verified;
  readonly next: NextDatabase;
  /** Staging's own rows. */
  readonly carryOver: () => Promise<Preserved>;
  /** A last look at all of it, with staging's own rows in it and the team's steps done. */
  readonly verifyFinished: (carried: Preserved['carried'], steps: Steps) => Promise<void>;
  /** Owners and privileges, after everything else is made. */
  readonly handOver: (database: string) => Promise<readonly LeftOut[]>;
}

/** Loads an artifact in parallel, by its index. @param tell hears of each phase, and of what is found. */
export async function buildFromArtifact(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  reader: ArtifactReader,
  tell: Listener,
): Promise<Built> {
  const { index } = reader;
  const phase = (name: string) => {
    run.signal.throwIfAborted();
    tell.phase(name);
  };
  phase('schema');
  requireVersion(reader.path, index.production.version, server.staging);
  const tools = await findServerTools(run.config.environment);
  const archive = await extractArchive(run, reader);
  const rows = new ArtifactRows(reader);
  const plan = planRestore(run, reader, rows);
  const next = await createNext(run, server, maintenance, index);
  try {
    const { lockCapacity } = server.staging;
    const destination = { run, tools, database: next.name, lockCapacity };
    const partitioned = new Set(plan.catalog.partitionedIndexes);
    await using session = await openStaging(run, next.name, makingSettings);
    await restoreSchemas(destination, session, archive);
    const needed = new Set(
      archive.preData.flatMap(({ type, rest }) =>
        type === 'EXTENSION' ? [rest.slice('- '.length).trim()] : [],
      ),
    );
    const extensions = plan.catalog.extensions.filter(({ name }) => needed.has(name));
    await createExtensions(run, session, async () => 'the artifact', extensions);
    await restorePreData(destination, session, archive, partitioned);

    phase('load');
    const loaded = await load(run, plan, rows, next, (work) => tell.worked?.(work));
    tell.loaded(loaded.tables);

    phase('constraints');
    const last = keysOfPartitions(plan.catalog);
    await restorePostData(destination, session, archive, partitioned, loaded.built, last);
    const views = plan.catalog.tables.filter(({ oid }) => index.views.includes(oid));
    views.sort((a, b) => index.views.indexOf(a.oid) - index.views.indexOf(b.oid));
    await settle(run, plan.catalog, views, next);

    phase('verify');
    const expected = {
      rows: new Map(index.tables.map((table) => [table.oid, table.rows])),
      counted: index.counted,
      constraints: new Map(index.constraints),
      madeAt: index.madeAt,
    };
    const verified = await verifyRestored(run, plan, loaded.tables, expected, next.name, async () => ({
      production: await definitionsTaken(destination, archive),
      staging: await definitionsMade(destination),
    }));
    return {
      verified,
      next,
      carryOver: async () => {
        if (index.preserved.preserved.length > 0) phase('preserve');
        return await preserve(run, index.preserved, () => openLiveRows(run, server.staging.name), next);
      },
      verifyFinished: async (carried, beforePublish) => {
        const policy = { preserved: index.preserved.preserved, beforePublish };
        await verifyFinished(run, plan, policy, expected.constraints, carried, next.name);
      },
      handOver: async (database) => {
        const privileges = await privilegesOf(destination, archive);
        return [
          ...archive.leftOut,
          ...(await assignOwners(run, server, index.ownership, database, privileges)),
        ];
      },
    };
  } catch (error) {
    await discardNext(run, next.name);
    throw error;
  }
}
