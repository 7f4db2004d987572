import { type CpuInfo, cpus } from 'node:os';

/** How busy this machine's cores were between two looks. */
export class Processors {
  #before: readonly CpuInfo[] = cpus();

  /** Share of each core's time that was not idle, from 0 to 1, since the look before. */
  look(now: readonly CpuInfo[] = cpus()): number[] {
    const shares = now.map(({ times }, core) => {
      const before = this.#before[core]?.times;
      const total = sum(times) - (before ? sum(before) : 0);
      const idle = times.idle - (before?.idle ?? 0);
      return total > 0 ? Math.min(1, Math.max(0, 1 - idle / total)) : 0;
    });
    this.#before = now;
    return shares;
  }
}

function sum(times: CpuInfo['times']): number {
  return times.user + times.nice + times.sys + times.idle + times.irq;
}
