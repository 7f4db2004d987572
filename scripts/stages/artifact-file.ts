import { type DumpFile, openDumpFile } from '../artifact/dump-file.ts';
import { ArtifactReader } from '../artifact/reader.ts';
import { environmentName } from '../contract.ts';
import { RefreshError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';

/** A file that can be restored: one of ours, or a plain dump by pg_dump. */
export type BackupFile =
  | { readonly kind: 'artifact'; readonly reader: ArtifactReader }
  | { readonly kind: 'script'; readonly file: DumpFile };

/** What a file is, whatever its name. The caller closes the reader. @throws RefreshError `bad-file`, `bad-environment`. */
export async function openBackup(path: string, environment: Environment): Promise<BackupFile> {
  const reader = await openOurs(path, environment);
  return reader ? { kind: 'artifact', reader } : { kind: 'script', file: await openDumpFile(path) };
}

/** Opens one of our own artifacts. @throws RefreshError `bad-file`, `bad-environment`. */
export async function openArtifact(path: string, environment: Environment): Promise<ArtifactReader> {
  const reader = await openOurs(path, environment);
  if (reader) return reader;
  throw new RefreshError('bad-file', 'it is not an artifact of this program, or its beginning is damaged', {
    object: path,
    hint: 'take another backup: each is named prod_backup_YYYYMMDD_HHMMSS.sql.zst; a download that broke off is done again',
  });
}

type Environment = Readonly<Record<string, string | undefined>>;

async function openOurs(path: string, environment: Environment): Promise<ArtifactReader | undefined> {
  const identity = environment[environmentName.ageIdentity];
  return await ArtifactReader.open(path, identity ? new Secret(identity) : undefined);
}
