import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { quote } from '../../scripts/local/environment.ts';

test('a shell reads back every quoted text as it was', () => {
  for (const text of ['plain', "it's", '$HOME `id` $(id)', 'a "b" \\ c', 'line\nbreak\n', '', '!#*?~']) {
    const read = execFileSync('/bin/sh', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' });
    assert.equal(read, text);
  }
});
