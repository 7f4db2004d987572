import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from '../../scripts/system/child.ts';

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

test('an abort kills the child, also one that came before the start', async () => {
  const controller = new AbortController();
  const running = runChild(node, script('setInterval(() => {}, 1000)'), {
    env: {},
    signal: controller.signal,
  });
  controller.abort();
  assert.deepEqual(await running, { code: null, signal: 'SIGKILL', stdout: '', stderr: '' });
});
