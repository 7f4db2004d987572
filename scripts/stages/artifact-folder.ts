import { access, constants } from 'node:fs/promises';
import { requireKeys } from '../artifact/age.ts';
import { deleteAbandoned } from '../artifact/retention.ts';
import { environmentName } from '../contract.ts';
import { RefreshError } from '../model/errors.ts';
import type { Run } from '../model/run.ts';
import { Secret } from '../model/secret.ts';
import { makeFolder } from '../system/folder.ts';

/**
 * Proves that the artifact can be written, and read again where it is to be rehearsed, before anything else is done;
 * removes what killed runs have left half-written.
 *
 * @throws RefreshError `bad-flag`, `bad-environment`, `folder-unwritable`.
 */
export async function prepareArtifactFolder(run: Run): Promise<void> {
  const { artifact, environment } = run.config;
  if (!artifact) return;
  const identity = environment[environmentName.ageIdentity];
  if (artifact.recipient !== undefined) {
    await requireKeys(artifact.recipient, artifact.rehearse && identity ? new Secret(identity) : undefined);
  }
  try {
    await makeFolder(artifact.folder);
    await access(artifact.folder, constants.W_OK | constants.X_OK);
    for (const path of await deleteAbandoned(artifact.folder, run.startedAt)) {
      run.log.info(`deleted ${path}: a killed run had left it half-written`);
    }
  } catch (cause) {
    throw new RefreshError(
      'folder-unwritable',
      'the folder for the backup file can’t be made or written to',
      {
        object: artifact.folder,
        hint: 'make it writable for this user; --artifact names another one',
        cause,
      },
    );
  }
}
