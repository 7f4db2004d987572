import { setTimeout as sleep } from 'node:timers/promises';

const graceMs = 2000;
/** What SIGKILL ends is gone soon; a zombie that nobody waits for looks as if it were there for ever. */
const killedMs = 250;
const lookMs = 25;

/**
 * Ends all processes of a group: SIGTERM, and SIGKILL for what is left after two seconds. Resolves when none is left,
 * or nothing more can be done.
 */
export async function endGroup(leader: number): Promise<void> {
  if (!signalGroup(leader, 'SIGTERM')) return;
  if (await isGone(leader, graceMs)) return;
  signalGroup(leader, 'SIGKILL');
  await isGone(leader, killedMs);
}

/** False when the group is gone, or is another user's. @param signal 0 only looks. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

async function isGone(leader: number, patienceMs: number): Promise<boolean> {
  for (const until = Date.now() + patienceMs; Date.now() < until; ) {
    await sleep(lookMs);
    if (!signalGroup(leader, 0)) return true;
  }
  return false;
}
