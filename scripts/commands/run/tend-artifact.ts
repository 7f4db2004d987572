import { databaseId } from '../../artifact/database-id.ts';
import { deleteOldArtifacts } from '../../artifact/retention.ts';
import { RefreshError } from '../../model/errors.ts';
import type { WrittenArtifact } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import { openArtifact } from '../../stages/artifact-file.ts';
import type { Preflight } from '../../stages/preflight.ts';
import { proveBackup } from '../restore/backup.ts';
import { rehearse } from '../restore/rehearsal.ts';
import { newRunId } from '../run-scope.ts';

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
      throw failed('its artifact could not be restored', written.path, cause);
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
    throw failed('an older artifact could not be deleted', folder, cause);
  }
}

function failed(message: string, object: string, cause: unknown): RefreshError {
  return new RefreshError('published-with-failures', `staging is refreshed, but ${message}`, {
    object,
    hint: 'staging is in use already; repair the cause, nothing has to be run again',
    cause,
  });
}
