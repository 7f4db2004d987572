import { readFileSync } from 'node:fs';

/** Whether a process does anything yet: one that nobody has waited for is gone, too. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
