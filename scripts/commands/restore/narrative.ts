import type { ArtifactReader } from '../../artifact/reader.ts';
import { ArtifactRows } from '../../artifact/rows.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Published, Verification } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import { findServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import { createNext } from '../../stages/database.ts';
import { createExtensions } from '../../stages/extensions.ts';
import { load } from '../../stages/load.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { preflightStaging } from '../../stages/preflight/staging.ts';
import { preserve } from '../../stages/preserve.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { extractArchive, planRestore, proveArtifact, requireRestorable } from '../../stages/restore.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import {
  definitionsMade,
  definitionsTaken,
  restorePostData,
  restorePreData,
  restoreSchemas,
  scriptOf,
} from '../../stages/schema.ts';
import { settle } from '../../stages/settle.ts';
import { verifyRestored } from '../../stages/verify/restored.ts';
import { discardNext } from '../run-scope.ts';

export interface Restored {
  readonly file: string;
  readonly madeAt: string;
  readonly verification: Verification;
  /** Null where the file was only rehearsed. */
  readonly published: Published | null;
}

/** Loads an artifact beside the live database, verifies it and puts it in the live one's place. */
export async function restoreArtifact(run: StagingRun, reader: ArtifactReader): Promise<Restored> {
  run.log.phase('read');
  await proveArtifact(run, reader);
  run.log.phase('preflight');
  const { server, maintenance } = await preflightStaging(run);
  await using _maintenance = maintenance;
  const { verified, makeOwn } = await build(run, server, maintenance, reader);
  let published: Published;
  try {
    await makeOwn();
    run.log.phase('publish');
    run.signal.throwIfAborted();
    published = await publish(run, server, maintenance, verified);
  } catch (error) {
    await discardNext(run, verified.database);
    throw error;
  }
  try {
    await prunePrevious(run, maintenance, server.staging.name);
  } catch (cause) {
    throw new RefreshError(
      'published-with-failures',
      'the artifact is restored, but an older database stays',
      {
        object: server.staging.name,
        hint: 'staging is in use already; the next run drops it',
        cause,
      },
    );
  }
  return result(reader, verified, published);
}

/** Restores an artifact into a database of its own, compares, and drops it: a rehearsed backup, not a hoped-for one. */
export async function rehearseArtifact(run: StagingRun, reader: ArtifactReader): Promise<Restored> {
  run.log.phase('read');
  await proveArtifact(run, reader);
  run.log.phase('preflight');
  const { server, maintenance } = await preflightStaging(run);
  await using _maintenance = maintenance;
  return await rehearse(run, server, maintenance, reader);
}

/** The same where the run's lock is held already. */
export async function rehearse(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  reader: ArtifactReader,
): Promise<Restored> {
  const { verified } = await build(run, server, maintenance, reader);
  await discardNext(run, verified.database);
  return result(reader, verified, null);
}

interface Built {
  readonly verified: Verified;
  /** Gives the database what is staging's own. */
  readonly makeOwn: () => Promise<void>;
}

async function build(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  reader: ArtifactReader,
): Promise<Built> {
  const { index } = reader;
  const phase = (name: string) => {
    run.signal.throwIfAborted();
    run.log.phase(name);
  };
  phase('schema');
  requireRestorable(reader, server.staging);
  const tools = await findServerTools(run.config.environment);
  const archive = await extractArchive(run, reader);
  const rows = new ArtifactRows(reader);
  const plan = planRestore(run, reader, rows);
  const next = await createNext(run, server, maintenance, index);
  try {
    const { lockCapacity } = server.staging;
    const destination = { run, tools, database: next.name, lockCapacity };
    const partitioned = new Set(plan.catalog.partitionedIndexes);
    await restoreSchemas(destination, archive);
    const needed = new Set(
      archive.preData.flatMap(({ type, rest }) =>
        type === 'EXTENSION' ? [rest.slice('- '.length).trim()] : [],
      ),
    );
    const extensions = plan.catalog.extensions.filter(({ name }) => needed.has(name));
    await createExtensions(run, async () => 'the artifact', extensions, next.name);
    await restorePreData(destination, archive, partitioned);

    phase('load');
    const loaded = await load(run, plan, rows, next);

    phase('constraints');
    const last = keysOfPartitions(plan.catalog);
    await restorePostData(destination, archive, partitioned, loaded.built, last);
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
    const scripts = {
      production: await definitionsTaken(destination, archive),
      staging: await definitionsMade(destination),
    };
    const verified = await verifyRestored(run, plan, loaded.tables, expected, next.name, scripts);
    return {
      verified,
      makeOwn: async () => {
        if (index.preserved.preserved.length > 0) phase('preserve');
        await preserve(run, index.preserved, server.staging.name, next);
        const isPrivilege = ({ type }: { readonly type: string }) => type === 'ACL' || type === 'DEFAULT ACL';
        const privileges = await scriptOf(destination, archive, isPrivilege);
        const leftOut = await assignOwners(run, server, index.ownership, next.name, privileges);
        for (const { object, reason } of leftOut) run.log.warn(`left out: ${object}: ${reason}`);
      },
    };
  } catch (error) {
    await discardNext(run, next.name);
    throw error;
  }
}

function result({ path, index }: ArtifactReader, verified: Verified, published: Published | null): Restored {
  return { file: path, madeAt: index.madeAt, verification: verified.verification, published };
}
