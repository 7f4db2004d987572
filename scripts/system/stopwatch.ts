import type { Log } from '../model/run.ts';

/** Announces phases and measures them: each lasts until the next one begins. */
export class Stopwatch {
  readonly #log: Log;
  readonly #origin = performance.now();
  readonly #phases: { name: string; begun: number; ended?: number }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  phase(name: string): void {
    this.#end();
    this.#phases.push({ name, begun: performance.now() });
    this.#log.phase(name);
  }

  /** Phases so far with their seconds, and when they began, counted from the stopwatch's start; the current one ends here. */
  phases(): { name: string; seconds: number; begun: number }[] {
    this.#end();
    return this.#phases.map(({ name, begun, ended }) => ({
      name,
      seconds: ((ended ?? begun) - begun) / 1000,
      begun: (begun - this.#origin) / 1000,
    }));
  }

  #end(): void {
    const current = this.#phases.at(-1);
    if (current) current.ended ??= performance.now();
  }
}
