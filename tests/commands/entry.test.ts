import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { environmentName } from '../../scripts/contract.ts';
import { runChild } from '../../scripts/system/child.ts';

const launcher = fileURLToPath(new URL('../../scripts/launcher.js', import.meta.url));
const refresh = (...args: string[]) => runChild(process.execPath, [launcher, ...args], { env: {} });

test('--help is on stdout, with the exit codes and the variables, and ends with 0', async () => {
  const { code, stdout, stderr } = await refresh('--help');
  assert.deepEqual([code, stderr], [0, '']);
  for (const name of [environmentName.productionUrl, environmentName.stagingUrl, environmentName.stagingCa])
    assert.ok(stdout.includes(name), `${name} is not explained`);
  for (const status of ['0 ', '2 ', '3 ', '4 ', '5 ', '6 ', '130 '])
    assert.match(stdout, new RegExp(`(^|\\s)${status}[a-z]`, 'm'));
});

test('run --help names each flag of the contract that run has, with its default', async () => {
  const { code, stdout } = await refresh('run', '--help');
  assert.equal(code, 0);
  for (const flag of [
    '--jobs',
    '--report',
    '--keep-previous',
    '--json',
    '--summary',
    '--lock-wait',
    '--allow-shrink',
  ])
    assert.ok(stdout.includes(flag), flag);
});

test('what is no command is bad input, on stderr alone', async () => {
  for (const args of [
    ['no-such-command'],
    ['run', '--no-such-flag'],
    ['run', '--jobs'],
    ['run', 'surplus'],
  ]) {
    const { code, stdout, stderr } = await refresh(...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^error: /m);
    assert.match(stderr, /HINT: /);
  }
});

test('a connection string in argv is refused and not repeated', async () => {
  const { code, stdout, stderr } = await refresh('run', 'postgresql://u:Tr0ub4dor@h/d');
  assert.equal(code, 2);
  assert.ok(!`${stdout}${stderr}`.includes('Tr0ub4dor'));
});
