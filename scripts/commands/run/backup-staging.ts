import { asRefreshError, RefreshError } from '../../model/errors.ts';
import type { WrittenArtifact } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import { readCatalog } from '../../postgres/catalog.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { readOwnership } from '../../postgres/identity.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { ServerTools } from '../../postgres/server-tools.ts';
import { readViewDependencies } from '../../postgres/view-dependencies.ts';
import { type ArtifactContent, beginArtifact, completeArtifact } from '../../stages/artifact.ts';
import { prepareArtifactFolder } from '../../stages/artifact-folder.ts';
import { readOrigin, searchPathOf } from '../../stages/database.ts';
import { archiveRows } from '../../stages/load/archive-rows.ts';
import { planCopy } from '../../stages/plan.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { definitionsAroundRows, dumpSchema } from '../../stages/schema.ts';
import { orderOfViews } from '../../stages/settle.ts';
import { withSnapshot } from '../../stages/snapshot.ts';

/**
 * Keeps what staging is now as an artifact of its own, which `refresh restore` takes like any other: one read of the
 * live database, under a snapshot, that writes nothing there. Undefined where none is wanted.
 *
 * @throws RefreshError: nothing was changed.
 */
export async function backupStaging(run: Run, checked: Checked): Promise<WrittenArtifact | undefined> {
  const { backupStaging: artifact, staging } = run.config;
  if (!artifact) return undefined;
  // What is read is staging itself, as it is.
  const config = { ...run.config, production: staging, policy: undefined, maskKey: undefined, artifact };
  const source: Run = { ...run, config };
  try {
    await prepareArtifactFolder(source);
    return await withSnapshot(source, (snapshot) => writeBackup(source, checked, snapshot));
  } catch (cause) {
    const { code, message, object, hint } = asRefreshError(cause);
    throw new RefreshError(code, `staging could not be backed up: ${message}`, {
      ...(object ? { object } : {}),
      hint: `${hint}; it can go on without --backup-staging`,
      cause,
    });
  }
}

interface Checked {
  readonly servers: StagingServer;
  readonly tools: ServerTools;
}

async function writeBackup(
  run: Run,
  { servers, tools }: Checked,
  snapshot: Snapshot,
): Promise<WrittenArtifact> {
  // pg_dump first: with many tables it takes as much memory as what we read of them.
  const archive = await dumpSchema(run, tools, servers, snapshot);
  const catalog = await readCatalog(snapshot.session);
  const plan = planCopy(catalog, run.config.jobs);
  const destination = {
    run,
    tools,
    database: servers.staging.name,
    lockCapacity: servers.staging.lockCapacity,
  };
  const origin = await readOrigin(snapshot.session, servers.staging.locale);
  const content: ArtifactContent = {
    content: 'copied',
    production: servers.staging,
    plan,
    views: orderOfViews(catalog, await readViewDependencies(snapshot.session)),
    origin,
    searchPath: searchPathOf(origin),
    definitions: definitionsAroundRows(destination, archive, keysOfPartitions(catalog), []),
    archive,
    ownership: await readOwnership(snapshot.session),
    constraints: await readConstraints(snapshot.session),
  };
  await using writer = await beginArtifact(run, content, 'staging');
  if (!writer) throw new Error('the folder for the backup is not known');
  const rows = await archiveRows(run, plan, snapshot, writer);
  await using artifact = await completeArtifact(run, writer, content, rows);
  return await artifact.giveName();
}
