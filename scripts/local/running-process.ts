import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { runChild } from './child.ts';

/**
 * Whether the process lives and its command line holds `words`: after a reboot a number that was written down may
 * belong to a stranger, who must not be stopped.
 */
export async function isProcess(pid: number, words: readonly string[]): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const line = await commandLine(pid);
  return words.every((word) => line.includes(word));
}

/** Every process, this one aside, whose command line holds `words`. */
export async function processesWith(words: readonly string[]): Promise<number[]> {
  const matches = await Promise.all(
    (await processIds()).map(async (pid) => ((await isProcess(pid, words)) ? [pid] : [])),
  );
  return matches.flat();
}

/** Ends the process if it is the one: by `signal`, and SIGKILL where that wasn't enough. Returns when it is gone. */
export async function endProcess(
  pid: number,
  words: readonly string[],
  { signal: first = 'SIGTERM', graceSeconds = 15 }: { signal?: NodeJS.Signals; graceSeconds?: number } = {},
): Promise<void> {
  for (const signal of [first, 'SIGKILL'] as const) {
    if (await isProcess(pid, words)) send(pid, signal);
    for (const deadline = Date.now() + graceSeconds * 1000; Date.now() < deadline; await wait(50)) {
      // One that has ended and that nobody has waited for has no command line any more.
      if (!(await isProcess(pid, words))) return;
    }
  }
}

async function processIds(): Promise<number[]> {
  const names = await readdir('/proc').catch(async () =>
    (await runChild('ps', ['-A', '-o', 'pid=']).catch(() => '')).split('\n'),
  );
  return names.map(Number).filter((pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already, which is what was wanted.
  }
}

async function commandLine(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    // No /proc (macOS), or the process has just ended.
    return await runChild('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => '');
  }
}
