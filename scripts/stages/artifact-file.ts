import { ArtifactReader } from '../artifact/reader.ts';
import { environmentName } from '../contract.ts';
import { RefreshError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';

/** Opens one of our own artifacts. @throws RefreshError `bad-file`, `bad-environment`. */
export async function openArtifact(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ArtifactReader> {
  const identity = environment[environmentName.ageIdentity];
  const reader = await ArtifactReader.open(path, identity ? new Secret(identity) : undefined);
  if (reader) return reader;
  throw new RefreshError('bad-file', 'it is not an artifact of this program, or its beginning is damaged', {
    object: path,
    hint: 'a file of pg_dump’s goes into an empty database with: psql -X -v ON_ERROR_STOP=1 -f FILE, or pg_restore',
  });
}
