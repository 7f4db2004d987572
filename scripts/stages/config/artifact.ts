import { defaultArtifactFolder, environmentName } from '../../contract.ts';
import type { ArtifactConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';

/** Flags about the backup file, checked already. */
export interface ArtifactFlags {
  readonly artifact?: string | boolean | undefined;
  readonly artifactContent?: 'copied' | 'full' | undefined;
  readonly recipient?: string | undefined;
  readonly keepArtifacts?: number | undefined;
  readonly keepArtifactsDays?: number | undefined;
  readonly rehearse?: boolean | undefined;
}

/** What is wrong with the flags together is added to `problems`: late in a run it would cost the run. */
export function readArtifact(
  given: ArtifactFlags,
  environment: Readonly<Record<string, string | undefined>>,
  problems: RefreshError[],
): ArtifactConfig | undefined {
  const rehearse = given.rehearse ?? false;
  if (given.artifact === false) {
    if (rehearse) problems.push(badFlag('--rehearse', 'with --no-artifact there is nothing to rehearse'));
    return undefined;
  }
  if (rehearse && given.recipient !== undefined && !environment[environmentName.ageIdentity]) {
    problems.push(
      new RefreshError(
        'bad-environment',
        'it is not set, and --rehearse has to read what --recipient encrypts',
        {
          object: environmentName.ageIdentity,
          hint: 'set it to the secret key, AGE-SECRET-KEY-1…, or rehearse elsewhere with refresh verify FILE',
        },
      ),
    );
  }
  if (given.artifactContent === 'full' && given.recipient === undefined) {
    problems.push(
      new RefreshError('bad-flag', 'production’s rows in clear are written for a recipient only', {
        object: '--artifact-content',
        hint: 'age-keygen makes a key: give its public half, age1…, as --recipient',
      }),
    );
  }
  return {
    folder: typeof given.artifact === 'string' ? given.artifact : defaultArtifactFolder,
    content: given.artifactContent ?? 'copied',
    recipient: given.recipient,
    keep: given.keepArtifacts,
    keepDays: given.keepArtifactsDays,
    rehearse,
  };
}

/** Staging's own backup lies beside production's, is encrypted alike, and stays until a person deletes it. */
export function stagingBackup(given: ArtifactFlags): ArtifactConfig {
  return {
    folder: typeof given.artifact === 'string' ? given.artifact : defaultArtifactFolder,
    content: 'copied',
    recipient: given.recipient,
    keep: undefined,
    keepDays: undefined,
    rehearse: false,
  };
}

function badFlag(object: string, message: string): RefreshError {
  return new RefreshError('bad-flag', message, { object, hint: 'refresh run --help explains it' });
}
