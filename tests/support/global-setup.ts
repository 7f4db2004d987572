import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shareBundle } from './entry.ts';
import { pairVariable, startPair, stopPair, type TestPair } from './pair.ts';

let pair: TestPair | undefined;

/** Half of what a short test file takes is compiling the same sources as the one before. */
const compiled = fileURLToPath(new URL('../../node_modules/.cache/tests', import.meta.url));

/** Run by `node --test --test-global-setup` before the first test file: what all of them share. */
export async function globalSetup(): Promise<void> {
  process.env.NODE_COMPILE_CACHE ??= compiled;
  pair = await startPair();
  await shareBundle(pair.folder);
  const description = join(pair.folder, 'pair.json');
  writeFileSync(description, JSON.stringify(pair), { mode: 0o600 });
  process.env[pairVariable] = description;
}

export async function globalTeardown(): Promise<void> {
  if (pair) await stopPair(pair);
}
