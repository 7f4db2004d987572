import { writeFile } from 'node:fs/promises';
import { environmentName } from '../contract.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { caFile, type LocalStack, stackEnvironment, toolFolders } from './local-stack.ts';
import type { StagingAccess } from './staging-access.ts';
import { projectFolder } from './state-folder.ts';

/**
 * Writes `.local/env`, which gives a shell everything: `. .local/env; psql "$STAGING_DB_URL"`. Readable by its owner
 * alone, since it holds every secret of the local stack.
 */
export async function writeEnvironment(stack: LocalStack, staging: StagingAccess | undefined): Promise<void> {
  const { PATH: _, ...values } = stackEnvironment(stack);
  const exported: Record<string, string> = {
    ...values,
    [environmentName.maskKey]: stack.account.maskKey,
    ...(staging
      ? {
          [environmentName.stagingUrl]: staging.url,
          [environmentName.stagingCa]: staging.ca,
          [environmentName.stagingClusterId]: staging.clusterId,
        }
      : {}),
  };
  await writeFile(caFile(stack.folder), stack.caPem, { mode: 0o644 });
  const lines = Object.entries(exported).map(([name, value]) => `export ${name}=${quote(value)}`);
  const text = [
    `# The local stack of ${projectFolder}: source me in a POSIX shell. Written by npm start; holds secrets.`,
    ...lines,
    ...pathLines(toolFolders(stack)),
    '',
  ].join('\n');
  await writeFileAtomically(stack.folder.environment, text);
}

/** The shell's own PATH stays, and sourcing twice changes nothing. */
function pathLines(folders: readonly string[]): string[] {
  return folders
    .toReversed()
    .map((folder) => `case ":$PATH:" in *:${quote(folder)}:*) ;; *) PATH=${quote(folder)}:"$PATH" ;; esac`)
    .concat('export PATH');
}

/** As one word of a POSIX shell, whatever it holds. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
