import { open, readFile, rm } from 'node:fs/promises';
import { RefreshError } from '../model/errors.ts';
import { isProcess } from './running-process.ts';
import type { StateFolder } from './state-folder.ts';

/**
 * Runs `work` while no other start, refresh or destroy of the same folder does. What a killed one left counts for
 * nothing. Fails with `already-running`, naming the other's process id.
 */
export async function takeTurn<Result>(folder: StateFolder, work: () => Promise<Result>): Promise<Result> {
  await claim(folder.command);
  try {
    return await work();
  } finally {
    await rm(folder.command, { force: true });
  }
}

async function claim(file: string): Promise<void> {
  for (;;) {
    try {
      const claimed = await open(file, 'wx', 0o600);
      await claimed.writeFile(String(process.pid));
      await claimed.close();
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const pid = Number(await readFile(file, 'utf8').catch(() => ''));
    if (pid !== process.pid && (await isProcess(pid, ['scripts/local/']))) {
      throw new RefreshError(
        'already-running',
        `another command is at work on the local stack, process ${pid}`,
        {
          object: file,
          hint: 'wait for it, or end that process',
        },
      );
    }
    await rm(file, { force: true });
  }
}
