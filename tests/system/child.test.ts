import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runChild, tailLength } from '../../scripts/system/child.ts';
import { isRunning } from '../support/process.ts';

const node = process.execPath;
const script = (code: string) => ['-e', code];

test('an exit status is a result, with what the child said', async () => {
  const result = await runChild(
    node,
    script(`process.stdout.write('out é'); process.stderr.write('err'); process.exitCode = 7`),
    { env: {} },
  );
  assert.deepEqual(result, { code: 7, signal: null, stdout: 'out é', stderr: 'err' });
});

test('the child has the given environment and nothing of ours', async () => {
  process.env.CHILD_TEST_SECRET = 'ours';
  try {
    const { stdout } = await runChild(node, script('process.stdout.write(JSON.stringify(process.env))'), {
      env: { GIVEN: 'x' },
    });
    assert.deepEqual(JSON.parse(stdout), { GIVEN: 'x' });
  } finally {
    delete process.env.CHILD_TEST_SECRET;
  }
});

test('input reaches the child; one that does not read it is judged by its status', async () => {
  const echo = await runChild(node, script('process.stdin.pipe(process.stdout)'), {
    env: {},
    input: 'a\nb é',
  });
  assert.equal(echo.stdout, 'a\nb é');
  const deaf = await runChild(node, script('process.exit(3)'), { env: {}, input: 'x'.repeat(5_000_000) });
  assert.equal(deaf.code, 3);
  const without = await runChild(node, script('process.stdin.pipe(process.stdout)'), { env: {} });
  assert.equal(without.stdout, '');
});

test('a long stdout is whole, of a long stderr the end is kept', async () => {
  const { stdout, stderr } = await runChild(
    node,
    script(`process.stdout.write('漢'.repeat(400000)); process.stderr.write('x'.repeat(200000) + 'the end')`),
    { env: {} },
  );
  assert.ok(stdout === '漢'.repeat(400_000), 'stdout differs');
  assert.equal(stderr.length, 64 * 1024);
  assert.ok(stderr.endsWith('xthe end'));
});

test('a program that is not there is an error', async () => {
  await assert.rejects(runChild('/no/such/program', [], { env: {} }), { code: 'ENOENT' });
});

test('of a stdout that is asked for as a tail the end is kept', async () => {
  const { stdout } = await runChild(node, script(`process.stdout.write('x'.repeat(3000000) + 'the end')`), {
    env: {},
    tail: true,
  });
  assert.equal(stdout.length, tailLength);
  assert.ok(stdout.endsWith('xthe end'));
});

test('an abort kills the child, also one that came before the start', async () => {
  const killed = { code: null, signal: 'SIGKILL', stdout: '', stderr: '' };
  const controller = new AbortController();
  const { signal } = controller;
  const running = runChild(node, script('setInterval(() => {}, 1000)'), { env: {}, signal });
  controller.abort();
  assert.deepEqual(await running, killed);
  assert.deepEqual(await runChild(node, script('setInterval(() => {}, 1000)'), { env: {}, signal }), killed);
});

test('an abort ends the whole group of a shell’s command', async (t) => {
  for (const [name, before] of [
    ['what ends when asked', ''],
    ['what does not', 'trap "" TERM;'],
    ['what does not hold the shell’s output', 'exec >/dev/null 2>&1; trap "" TERM;'],
  ]) {
    await t.test(name, async (t) => {
      const { command, pid } = await longCommand(t, before);
      const controller = new AbortController();
      const running = runChild('/bin/sh', ['-c', command], {
        env: {},
        signal: controller.signal,
        group: true,
      });
      const child = await pid();
      controller.abort();
      const { code } = await running;
      assert.equal(code, null);
      assert.equal(isRunning(child), false);
    });
  }
});

test('what has left the group is not waited for', async (t) => {
  const { command, pid } = await longCommand(t, '');
  const away = `require('child_process').spawn('/bin/sh', ['-c', process.argv[1]], { detached: true, stdio: 'inherit' })`;
  const controller = new AbortController();
  const running = runChild(node, [...script(away), command], {
    env: {},
    signal: controller.signal,
    group: true,
  });
  const child = await pid();
  controller.abort();
  await running;
  assert.equal(isRunning(child), true);
  process.kill(child, 'SIGKILL');
});

test('a process that ends at once takes the group with it', async (t) => {
  const { command, pid } = await longCommand(t, 'trap "" TERM;');
  const module = fileURLToPath(new URL('../../scripts/system/child.ts', import.meta.url));
  const code = `
    import { runChild } from ${JSON.stringify(module)};
    process.on('SIGINT', () => process.exit(130));
    void runChild('/bin/sh', ['-c', ${JSON.stringify(command)}], { env: {}, group: true });`;
  const engine = spawn(node, ['--input-type=module', '-e', code], { stdio: 'inherit' });
  const child = await pid();
  engine.kill('SIGINT');
  assert.deepEqual(await once(engine, 'exit'), [130, null]);
  while (isRunning(child)) await sleep(10);
});

/** A shell's command that starts another and waits for it. @param before what the other is to do first. */
async function longCommand(
  t: TestContext,
  before = '',
): Promise<{ readonly command: string; readonly pid: () => Promise<number> }> {
  const folder = await mkdtemp(join(tmpdir(), 'child-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'pid');
  return {
    command: `(${before} /bin/sleep 300 & echo $! > ${file}.new; /bin/mv ${file}.new ${file}; wait; wait); true`,
    pid: async () => {
      while (!existsSync(file)) await sleep(10);
      return Number(readFileSync(file, 'utf8'));
    },
  };
}
