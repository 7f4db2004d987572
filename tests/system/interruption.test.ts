import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = fileURLToPath(new URL('../../scripts/system/interruption.ts', import.meta.url));

/**
 * A process that tells of each abort and then goes on, as one that cleans up for long. Its clock is told what it says.
 *
 * @param watched it says each time that it has got this signal.
 */
async function cleaningForLong(watched?: NodeJS.Signals): Promise<ChildProcess & { said: () => string }> {
  const code = `
    import { onInterruption } from ${JSON.stringify(module)};
    const release = onInterruption((reason) => console.log(reason.code, reason.message, reason.exitCode), () => {});
    let now = 1000;
    Date.now = () => now;
    process.on('message', (message) => {
      if (message === 'release') release();
      else now = message;
      process.send('heard');
    });
    const watched = ${JSON.stringify(watched ?? '')};
    if (watched) process.on(watched, () => process.send('heard'));
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

async function heard(child: ChildProcess, say: () => void): Promise<void> {
  const message = once(child, 'message');
  say();
  await message;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} aborts once; the same keystroke again is nothing, a later one ends at once`, {
    timeout: 60_000,
  }, async () => {
    const child = await cleaningForLong(signal);
    await heard(child, () => child.kill(signal));
    await heard(child, () => child.send(1300));
    // It lives on and says so.
    await heard(child, () => child.kill(signal));
    await heard(child, () => child.send(1301));
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [130, null]);
    assert.equal(child.said(), `ready\ninterrupted ${signal} received; staging is as it was 130\n`);
  });
}

test('once released, a signal is the system’s again', async () => {
  const child = await cleaningForLong();
  await heard(child, () => child.send('release'));
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
});
