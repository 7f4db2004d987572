import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder, readDocument } from './document.ts';

const { text } = readDocument('docs/architecture.md');

test('each dependency says what it earns its place with, and none is named that is not there', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(projectFolder, 'package.json'), 'utf8'),
  ) as Readonly<Record<string, Readonly<Record<string, string>>>>;
  const installed = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  assert.deepEqual(firstColumn('Dependencies').sort(), installed.sort());
});

test('the import map has every rule that dependency-cruiser holds', () => {
  const { forbidden } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
    readonly forbidden: readonly { readonly name: string }[];
  };
  assert.deepEqual(firstColumn('Import map').sort(), forbidden.map(({ name }) => name).sort());
});

/** The code in the first column of a section's table. */
function firstColumn(section: string): string[] {
  const [, from = ''] = text.split(`\n## ${section}\n`);
  const [own = ''] = from.split('\n## ');
  return [...own.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
}
