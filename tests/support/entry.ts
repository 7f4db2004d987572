import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleEngine } from '../../scripts/bundle.ts';
import { glibcTunables } from '../../scripts/contract.ts';

/** How a command of the engine is begun: what follows Node's own name, and what its environment needs besides. */
export interface Entry {
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

const launcher = fileURLToPath(new URL('../../scripts/launcher.js', import.meta.url));

const bundleVariable = 'STAGING_REFRESH_TEST_ENGINE';

/**
 * Makes the engine as the workflow on GitHub has it, once for all test files: it starts in half the time of its sources.
 * One that can't be made is what `engine-files.test.ts` tells; the others go on with the sources.
 */
export async function shareBundle(folder: string): Promise<void> {
  const file = join(folder, 'refresh.mjs');
  const text = await bundleEngine().catch(() => undefined);
  if (text === undefined) return;
  await writeFile(file, text);
  process.env[bundleVariable] = file;
}

/**
 * The bundle begins as the workflow begins it, but that what Node compiled of it once is not compiled by each. The
 * launcher does for what is not in there, such as `fork`, and for a test file that runs alone; what is the launcher's
 * own has tests that always begin it.
 */
export function entryOf(command: string): Entry {
  const file = process.env[bundleVariable];
  if (file === undefined || command === 'fork') return { file: launcher, environment: {} };
  const compiled = join(dirname(file), 'compiled');
  return { file, environment: { GLIBC_TUNABLES: glibcTunables, NODE_COMPILE_CACHE: compiled } };
}
