import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = fileURLToPath(new URL('../../scripts/system/interruption.ts', import.meta.url));

/** A process that tells of each abort and then goes on, as one that cleans up for long. */
async function cleaningForLong(): Promise<ChildProcess & { said: () => string }> {
  const code = `
    import { onInterruption } from ${JSON.stringify(module)};
    const release = onInterruption((reason) => console.log(reason.code, reason.message, reason.exitCode), () => {});
    process.on('message', () => { release(); console.log('released'); });
    setInterval(() => {}, 1000);
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let said = '';
  child.stdout?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  await once(child.stdout ?? child, 'data');
  return Object.assign(child, { said: () => said });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} aborts once; the same keystroke again is nothing, a later one ends at once`, async () => {
    const child = await cleaningForLong();
    child.kill(signal);
    await once(child.stdout ?? child, 'data');
    child.kill(signal);
    // Later than any one keystroke: the process has lived on, and then ends by itself.
    await new Promise((later) => setTimeout(later, 400));
    assert.equal(child.exitCode, null);
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [130, null]);
    assert.equal(child.said(), `ready\ninterrupted ${signal} received; staging is as it was 130\n`);
  });
}

test('once released, a signal is the system’s again', async () => {
  const child = await cleaningForLong();
  child.send('release');
  await once(child.stdout ?? child, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
});
