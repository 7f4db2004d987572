/** A task of the load, as much of it as tells how long it will take. */
export interface ForecastTask {
  readonly weight: number;
  /** Tasks of one kind go at one speed: rows, `index gin`, `validate`. */
  readonly kind?: string;
  readonly after: readonly ForecastTask[];
  /** Tasks with the same key never run at the same time. */
  readonly alone?: string;
}

interface Evidence {
  weight: number;
  ms: number;
}

interface UnderWay {
  readonly worker: number;
  readonly begun: number;
  bytes: number;
}

/** Of a kind's whole weight: until so much of it has been seen, the speed of all kinds counts as well. */
const doubt = 0.05;
/** COPY sends about so many bytes for each byte of a table's heap, until some have been seen. */
const sentPerByte = 0.8;
/** A task is never thought to be further than this before it has ended. */
const mostOfATask = 0.95;
/** Less of a task's rows says nothing of its speed: the first ones take their time. */
const leastShown = 0.02;
/** Of a task that takes longer than it should: so much of the time that it has taken may still come. */
const overrun = 0.15;

/**
 * How much of a load is done and how long the rest will take. Weights say how tasks compare before anything has run;
 * each kind of task then shows its own speed on these two servers, and what is left is counted at that. It can't be over
 * before the longest chain of tasks that wait for each other is.
 */
export class Forecast {
  readonly #tasks: readonly ForecastTask[];
  readonly #workers: number;
  readonly #weights = new Map<string, number>();
  readonly #seen = new Map<string, Evidence>();
  readonly #all: Evidence = { weight: 0, ms: 0 };
  readonly #sent: { bytes: number; weight: number } = { bytes: 0, weight: 0 };
  readonly #underWay = new Map<ForecastTask, UnderWay>();
  readonly #ended = new Set<ForecastTask>();
  #furthest = 0;

  constructor(tasks: readonly ForecastTask[], workers: number) {
    this.#tasks = tasks;
    this.#workers = workers;
    for (const { kind = '', weight } of tasks)
      this.#weights.set(kind, (this.#weights.get(kind) ?? 0) + weight);
  }

  /** @param now milliseconds, here and below. */
  began(task: ForecastTask, worker: number, now: number): void {
    this.#underWay.set(task, { worker, begun: now, bytes: 0 });
  }

  /** Bytes of rows that a worker has sent. */
  sent(worker: number, bytes: number): void {
    for (const each of this.#underWay.values()) if (each.worker === worker) each.bytes += bytes;
  }

  ended(task: ForecastTask, now: number): void {
    const { begun, bytes } = this.#underWay.get(task) ?? { begun: now, bytes: 0 };
    this.#underWay.delete(task);
    this.#ended.add(task);
    this.#learn(task, task.weight, now - begun);
    if (bytes === 0) return;
    this.#sent.bytes += bytes;
    this.#sent.weight += task.weight;
  }

  /** Undefined before anything has shown a speed. */
  look(now: number): { readonly share: number; readonly secondsLeft: number } | undefined {
    const speeds = this.#speeds(now);
    if (!speeds) return undefined;
    const left = new Map<ForecastTask, number>();
    let done = this.#all.ms;
    for (const task of this.#tasks) {
      if (this.#ended.has(task)) continue;
      const whole = task.weight * speeds(task.kind);
      const at = this.#underWay.get(task);
      const passed = at ? now - at.begun : 0;
      done += passed;
      left.set(task, at ? this.#rest(task, whole, passed, at.bytes) : whole);
    }
    const sum = [...left.values()].reduce((total, ms) => total + ms, 0);
    const ms = Math.max(sum / this.#workers, this.#longestChain(left), this.#longestQueue(left));
    // A second thought about the rest is no reason to go back.
    this.#furthest = Math.max(this.#furthest, sum > 0 ? done / (done + sum) : 1);
    return { share: this.#furthest, secondsLeft: ms / 1000 };
  }

  #rest(task: ForecastTask, whole: number, passed: number, bytes: number): number {
    if (bytes > 0) {
      const part = this.#part(task, bytes);
      // Its own speed counts as much as it has shown of it.
      return (1 - part) * (passed + (1 - part) * whole);
    }
    return Math.max(whole - passed, passed * overrun);
  }

  /** How much of a task's rows have been sent. */
  #part({ weight }: ForecastTask, bytes: number): number {
    const { bytes: sent, weight: of } = this.#sent;
    const expected = weight * (of > 0 ? sent / of : sentPerByte);
    return Math.min(mostOfATask, bytes / Math.max(expected, 1));
  }

  #learn({ kind = '' }: ForecastTask, weight: number, ms: number): void {
    const seen = this.#seen.get(kind) ?? { weight: 0, ms: 0 };
    this.#seen.set(kind, { weight: seen.weight + weight, ms: seen.ms + ms });
    this.#all.weight += weight;
    this.#all.ms += ms;
  }

  /** Milliseconds that a kind takes for one unit of weight: what has ended, and what is under way as far as it tells. */
  #speeds(now: number): ((kind: string | undefined) => number) | undefined {
    const all = { ...this.#all };
    const seen = new Map(this.#seen);
    for (const [task, { begun, bytes }] of this.#underWay) {
      const { kind = '', weight } = task;
      const before = seen.get(kind) ?? { weight: 0, ms: 0 };
      const passed = now - begun;
      const sent = bytes > 0 ? this.#part(task, bytes) : 0;
      const part = sent < leastShown ? 0 : sent;
      // Without bytes a task tells nothing until it takes longer than its kind did.
      const slow = part === 0 && before.weight > 0 && passed > (weight * before.ms) / before.weight;
      if (part === 0 && !slow) continue;
      const told = weight * (part || 1);
      seen.set(kind, { weight: before.weight + told, ms: before.ms + passed });
      all.weight += told;
      all.ms += passed;
    }
    if (all.weight === 0) return undefined;
    const usual = all.ms / all.weight;
    return (kind = '') => {
      const { weight, ms } = seen.get(kind) ?? { weight: 0, ms: 0 };
      const unsure = (this.#weights.get(kind) ?? 0) * doubt;
      return weight + unsure > 0 ? (ms + usual * unsure) / (weight + unsure) : usual;
    };
  }

  #longestChain(left: ReadonlyMap<ForecastTask, number>): number {
    const chains = new Map<ForecastTask, number>();
    let longest = 0;
    // Tasks are made after what they wait for.
    for (const task of this.#tasks) {
      const own = left.get(task);
      if (own === undefined) continue;
      const chain = own + task.after.reduce((most, before) => Math.max(most, chains.get(before) ?? 0), 0);
      chains.set(task, chain);
      longest = Math.max(longest, chain);
    }
    return longest;
  }

  /** Of those that may not run beside each other. */
  #longestQueue(left: ReadonlyMap<ForecastTask, number>): number {
    const queues = new Map<string, number>();
    for (const [{ alone }, ms] of left) if (alone) queues.set(alone, (queues.get(alone) ?? 0) + ms);
    return Math.max(0, ...queues.values());
  }
}
