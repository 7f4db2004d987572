import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder, readDocument } from './document.ts';

const { text } = readDocument('docs/coverage.md');
const inProject = (path: string) => readFileSync(join(projectFolder, path), 'utf8');

test('every test that docs/coverage.md names is there, and every requirement has one', () => {
  const named = rows('Tests');
  for (const [name, file = '', title = ''] of named) {
    const titles = [...inProject(bare(file)).matchAll(/\btest\(\s*(['`])([\s\S]*?)\1,/g)].map(
      ([, , said]) => said,
    );
    assert.ok(
      titles.some((said) => said?.includes(title)),
      `${name}: ${file} has no test that says ${title}`,
    );
  }
  const used = rows('Requirements').flatMap(([, , tests = '']) => tests.split(', '));
  const known = named.map(([name]) => name);
  for (const name of used) assert.ok(known.includes(name), `there is no test called ${name}`);
  assert.deepEqual(
    known.filter((name = '') => !used.includes(name)),
    [],
  );
});

test('every object that docs/coverage.md names is in the file that it names', () => {
  const classes = rows('Classes');
  assert.ok(classes.length > 20);
  for (const [, file = '', words = ''] of classes)
    assert.ok(inProject(`tests/engine/objects/${bare(file)}`).includes(bare(words)), `${file}: ${words}`);
});

/** Cells of a section's table, without its head. */
function rows(section: string): string[][] {
  const [, from = ''] = text.split(`\n## ${section}\n`);
  const [own = ''] = from.split('\n## ');
  const lines = own.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(1).map((line) => line.slice(2, -2).split(' | '));
}

function bare(code: string): string {
  return code.replace(/^`+ ?/, '').replace(/ ?`+$/, '');
}
