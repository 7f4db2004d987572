import { databaseId } from '../../artifact/database-id.ts';
import { deleteOldArtifacts } from '../../artifact/retention.ts';
import type { WrittenArtifact } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import { openArtifact } from '../../stages/artifact-file.ts';
import type { Preflight } from '../../stages/preflight.ts';
import { proveBackup } from '../restore/backup.ts';
import { rehearse } from '../restore/rehearsal.ts';
import { newRunId } from '../run-scope.ts';
import { afterPublish } from './ending.ts';

/**
 * Looks after the folder once staging is new: the file that was just written is restored if that is wanted, and only
 * then older ones go.
 *
 * @throws RefreshError `published-with-failures`.
 */
export async function tendArtifact(
  run: Run,
  { servers, maintenance }: Preflight,
  written: WrittenArtifact,
): Promise<void> {
  const { artifact, environment } = run.config;
  if (artifact?.rehearse) {
    try {
      await using reader = await openArtifact(written.path, environment);
      const backup = await proveBackup(run, { kind: 'artifact', reader });
      // Another name than the database had that is live now.
      const id = newRunId();
      await rehearse({ ...run, id }, servers, maintenance, backup);
      run.log.info(`rehearsed: ${written.path} was restored, compared and dropped again`);
    } catch (cause) {
      throw afterPublish('its artifact could not be restored', written.path, cause);
    }
  }
  if (artifact?.keep === undefined && artifact?.keepDays === undefined) return;
  const { folder, keep, keepDays: days } = artifact;
  try {
    const id = databaseId(servers.production);
    const { deleted, unknown } = await deleteOldArtifacts(
      folder,
      id,
      { keep, days },
      written.path,
      run.startedAt,
    );
    for (const path of deleted) run.log.info(`deleted ${path}: more or older artifacts than are kept`);
    for (const path of unknown) run.log.info(`kept ${path}: it does not tell whose artifact it is`);
  } catch (cause) {
    throw afterPublish('an older artifact could not be deleted', folder, cause);
  }
}
