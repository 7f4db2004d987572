import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorRegistry } from '../../scripts/model/errors.ts';
import { readDocument } from './document.ts';

const { headings, text } = readDocument('docs/runbook.md');

test('every error code has its section, under its exit code, and no section is for an unknown one', () => {
  const sections: [string, number][] = [];
  let exit = 0;
  for (const { level, text } of headings) {
    if (level === 1) exit = Number(/\(exit code (\d+)\)$/.exec(text)?.[1] ?? 0);
    else if (/^[a-z-]+$/.test(text)) sections.push([text, exit]);
  }
  assert.deepEqual(sections.toSorted(byName), Object.entries(errorRegistry).toSorted(byName));
});

test('each section says what the code means and what to do', () => {
  for (const code of Object.keys(errorRegistry) as ErrorCode[]) {
    const [, section = ''] = text.split(`\n## ${code}\n`);
    const [own = ''] = section.split('\n#');
    assert.match(own, /^- \*\*Meaning\*\*: \S/m, code);
    assert.match(own, /^- \*\*Repair\*\*: \S/m, code);
  }
});

function byName([one]: readonly [string, number], [other]: readonly [string, number]): number {
  return one.localeCompare(other);
}
