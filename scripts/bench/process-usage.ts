import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** One process as the kernel tells of it. */
interface ProcessState {
  readonly parent: number;
  /** Its own CPU time. */
  readonly ownSeconds: number;
  /** CPU time of the children that it has waited for, and of theirs. */
  readonly reapedSeconds: number;
  /** Since the machine was started. */
  readonly begunSeconds: number;
}

/** Clock ticks in a second: USER_HZ is 100 on every Linux that Node runs on (proc(5)). */
const ticksPerSecond = 100;

/**
 * CPU-seconds that a process and its children have used so far, ended ones included: nothing else on the machine
 * counts. A child that ends between two reads would count twice or not at all, so it is read until nothing moved.
 */
export function cpuSecondsOfFamily(pid: number): number {
  for (let tries = 0; ; tries++) {
    const before = processState(pid);
    if (!before) throw new Error(`process ${pid} is gone`);
    const living = descendantsOf(pid).reduce((sum, child) => {
      const state = processState(child);
      return sum + (state ? state.ownSeconds + state.reapedSeconds : 0);
    }, 0);
    const after = processState(pid);
    if (tries >= 50 || after?.reapedSeconds === before.reapedSeconds)
      return before.ownSeconds + before.reapedSeconds + living;
  }
}

/** CPU-seconds of this process's children that have ended: one family at a time is running while we measure. */
export function cpuSecondsOfEndedChildren(): number {
  const state = processState(process.pid);
  if (!state) throw new Error('/proc has no entry for this process: Linux is needed');
  return state.reapedSeconds;
}

/**
 * Sum of the peaks (VmHWM) that a process and the descendants that live now have had since this was last asked, in bytes;
 * 0 once it is gone. Between fork and exec a child's pages are its parent's: it does not count.
 */
export function peakMemoryOfFamily(pid: number): number {
  const family = [pid, ...descendantsOf(pid).filter((child) => !isBeforeExec(child))];
  return family.reduce((sum, member) => {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${member}/status`) ?? '')?.[1];
    forgetPeak(member);
    return sum + Number(peak ?? 0) * 1024;
  }, 0);
}

/** Peaks of different moments are never there together (proc(5), clear_refs). */
function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // It ended since it was read; one of another user's, which none of ours is, would keep its peak.
  }
}

/** Seconds that all cores of the machine together were busy and could have been, since it started. */
export function machineTime(): { readonly busy: number; readonly all: number } {
  const line = (readProc('stat') ?? '').split('\n')[0] ?? '';
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  const waiting = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { busy: (all - waiting) / ticksPerSecond, all: all / ticksPerSecond };
}

/** exec comes within milliseconds; pg_dump's workers, which never call it, stay and count. */
const execSeconds = 0.2;

function isBeforeExec(pid: number): boolean {
  const state = processState(pid);
  const uptime = Number((readProc('uptime') ?? '').split(' ')[0]);
  if (!state || uptime - state.begunSeconds > execSeconds) return false;
  return readProc(`${pid}/cmdline`) === readProc(`${state.parent}/cmdline`);
}

function descendantsOf(ancestor: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const state = processState(Number(name));
    if (!state) continue;
    const siblings = children.get(state.parent);
    if (siblings) siblings.push(Number(name));
    else children.set(state.parent, [Number(name)]);
  }
  const found: number[] = [];
  const open = [ancestor];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const next = children.get(pid) ?? [];
    found.push(...next);
    open.push(...next);
  }
  return found;
}

/** Undefined when there is no such process any more. The name may hold spaces and brackets: fields follow the last one. */
function processState(pid: number): ProcessState | undefined {
  const text = readProc(`${pid}/stat`);
  if (!text) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (index: number) => Number(fields[index] ?? 0) / ticksPerSecond;
  return {
    parent: Number(fields[1]),
    ownSeconds: ticks(11) + ticks(12),
    reapedSeconds: ticks(13) + ticks(14),
    begunSeconds: ticks(19),
  };
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined; // it ended since the folder was listed
  }
}
