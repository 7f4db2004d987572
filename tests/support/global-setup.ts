import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pairVariable, startPair, stopPair, type TestPair } from './pair.ts';

let pair: TestPair | undefined;

/** Run by `node --test --test-global-setup` before the first test file: one pair of servers for all of them. */
export async function globalSetup(): Promise<void> {
  pair = await startPair();
  const description = join(pair.folder, 'pair.json');
  writeFileSync(description, JSON.stringify(pair), { mode: 0o600 });
  process.env[pairVariable] = description;
}

export async function globalTeardown(): Promise<void> {
  if (pair) await stopPair(pair);
}
