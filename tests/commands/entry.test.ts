import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
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

test('the engine beside the workflow has the same commands, but fork and completion', async () => {
  const engine = fileURLToPath(new URL('../../scripts/workflow-engine.ts', import.meta.url));
  const texts = await Promise.all([
    refresh('--help'),
    runChild(process.execPath, [engine, '--help'], { env: {} }),
  ]);
  const [all = [], bundled = []] = texts.map(({ stdout }) => {
    const list = stdout.slice(stdout.indexOf('\nCommands:'), stdout.indexOf('\nEnvironment:'));
    return [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
  });
  assert.ok(all.includes('fork') && all.includes('run'));
  assert.deepEqual(
    bundled,
    all.filter((name) => name !== 'fork' && name !== 'completion'),
  );
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
    '--no-analyze',
  ])
    assert.ok(stdout.includes(flag), flag);
});

test('what is no command is bad input, on stderr alone', async () => {
  for (const args of [
    ['no-such-command'],
    ['run', '--no-such-flag'],
    ['run', '--jobs'],
    ['run', 'surplus'],
    ['policy', 'check', '--no-such-flag'],
  ]) {
    const { code, stdout, stderr } = await refresh(...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^refresh: bad-flag: .*\nHINT: .*\n$/);
  }
});

test('whoever reads along may leave', async () => {
  const { code, stderr } = await runChild(
    '/bin/sh',
    ['-c', '{ "$NODE" "$ENTRY" help run; echo "ended with $?" >&2; } | true', 'sh'],
    { env: { NODE: process.execPath, ENTRY: launcher } },
  );
  assert.deepEqual([code, stderr], [0, 'ended with 0\n']);
});

test('a signal ends every command with 130, whether it listens to signals or not', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const environment = { [environmentName.productionUrl]: `postgresql://u:secret@127.0.0.1:${port}/d` };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const child = spawn(process.execPath, [launcher, 'policy', 'suggest'], { env: environment });
    await once(silent, 'connection');
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [130, null], signal);
  }
  silent.close();
});

test('a command whose shell is killed, as Pulumi cancels one, gives up like an interrupted one', {
  timeout: 60_000,
}, async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const shell = spawn(
    '/bin/sh',
    ['-c', 'REFRESH_SHELL_PID=$$ "$NODE" "$ENTRY" policy suggest; echo "ended with $?" >&2'],
    {
      env: {
        [environmentName.productionUrl]: `postgresql://u:secret@127.0.0.1:${port}/d`,
        NODE: process.execPath,
        ENTRY: launcher,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [connection] = (await once(silent, 'connection')) as [Socket];
  shell.kill('SIGKILL');
  // Nobody is left who could be asked how it ended: with it goes its connection, and the last holder of the pipe.
  await Promise.all([once(connection.resume(), 'close'), once(shell.stderr, 'end')]);
  assert.equal(said, '', 'what it was doing came to an end of its own');
  silent.close();
});

test('a connection string in argv is refused and not repeated', async () => {
  const { code, stdout, stderr } = await refresh('run', 'postgresql://u:Tr0ub4dor@h/d');
  assert.equal(code, 2);
  assert.ok(!`${stdout}${stderr}`.includes('Tr0ub4dor'));
});

test('a mistyped command, flag or value is answered with the word that was meant', async () => {
  for (const [args, meant] of [
    [['rolback'], 'rollback'],
    [['run', '--job', '2'], '--jobs'],
    [['run', '--verify', 'checksum'], 'checksums'],
    [['run', '--strategy', 'inplace'], 'in-place'],
    [['completion', 'bsh'], 'bash'],
  ] as const) {
    const { code, stderr } = await refresh(...args);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(meant), stderr);
  }
});
