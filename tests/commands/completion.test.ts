import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runChild } from '../../scripts/system/child.ts';

const launcher = fileURLToPath(new URL('../../scripts/launcher.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'completion-'));
after(() => rmSync(folder, { recursive: true }));

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runChild(process.execPath, [launcher, 'completion', shell], {
    env: {},
  });
  assert.deepEqual([code, stderr], [0, '']);
  const file = join(folder, shell);
  writeFileSync(file, stdout);
  return file;
}

function has(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

/** What is offered for the last of these words. */
const cases: readonly { readonly words: readonly string[]; readonly offers: readonly string[] }[] = [
  { words: ['ro'], offers: ['rollback'] },
  { words: ['run', '--keep-p'], offers: ['--keep-previous'] },
  { words: ['run', '--jobs', '2', '--verb'], offers: ['--verbose'] },
  { words: ['policy', 'su'], offers: ['suggest'] },
  { words: ['policy', 'check', '--pol'], offers: ['--policy'] },
];

test('bash completes commands and flags', async (t) => {
  if (!has('bash')) return t.skip('there is no bash on this machine');
  const file = await scriptFor('bash');
  for (const { words, offers } of cases) {
    const program = `source "$1"; shift; COMP_WORDS=(refresh "$@"); COMP_CWORD=$#; _refresh; echo "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', program, 'bash', file, ...words], { encoding: 'utf8' });
    assert.equal(stdout.trim(), offers.join(' '), words.join(' '));
  }
});

test('zsh completes commands and flags', async (t) => {
  if (!has('zsh')) return t.skip('there is no zsh on this machine');
  const file = await scriptFor('zsh');
  for (const { words, offers } of cases) {
    // What _describe is handed, without a terminal to show it in.
    const program = `compdef() { }; _describe() { print -l -- "\${(P@)2}" }; source "$1"; shift; words=(refresh "$@"); CURRENT=\${#words}; _refresh`;
    const { stdout, stderr } = spawnSync('zsh', ['-fc', program, 'zsh', file, ...words], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    const offered = stdout.split('\n').map((line) => line.split(':')[0] ?? '');
    const last = words.at(-1) ?? '';
    assert.deepEqual(
      offered.filter((word) => word.startsWith(last)),
      offers,
      words.join(' '),
    );
  }
});

test('fish completes commands and flags', async (t) => {
  if (!has('fish')) return t.skip('there is no fish on this machine');
  const file = await scriptFor('fish');
  for (const { words, offers } of cases) {
    const { stdout } = spawnSync(
      'fish',
      ['--no-config', '-c', `source ${file}; complete -C 'refresh ${words.join(' ')}'`],
      {
        encoding: 'utf8',
        env: { ...process.env, HOME: folder },
      },
    );
    const offered = stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
    assert.deepEqual(
      offered.filter((word) => word !== ''),
      offers,
      words.join(' '),
    );
  }
});
