/** A piece of work with what has to be done before it. */
export interface Task<Worker> {
  readonly name: string;
  /** How much work it is, in any one unit. */
  readonly weight: number;
  /** Tasks of one kind take about as long for the same weight. */
  readonly kind?: string;
  readonly after: readonly Task<Worker>[];
  /** Tasks with the same key never run at the same time. */
  readonly alone?: string;
  /**
   * Its worker may be given it while another such task of its own is under way, and carries it out after that one: far
   * from a server neither waits for the other's answer.
   */
  readonly joins?: boolean;
  /** @param crowded whether as much other work as this waits for another worker at this moment. */
  run(worker: Worker, crowded: boolean): Promise<void>;
}

/** A task as somebody sees it who doesn't run it. */
export type Watched = Omit<Task<never>, 'run'>;

/** Who wants to know when tasks run; workers are counted from 0. */
export interface TaskWatch {
  began(task: Watched, worker: number): void;
  ended(task: Watched, worker: number, failed: boolean): void;
}

/**
 * Runs tasks on a fixed number of workers, each task when all that it waits for is done, the longest remaining chain
 * first: what stands at the head of much work must not be left to the end, when one worker would do it alone.
 *
 * The first failure stops everything that has not begun; it is thrown once every running task has come to its end.
 */
export async function runTasks<Worker>(
  tasks: readonly Task<Worker>[],
  workers: readonly Worker[],
  watch?: TaskWatch,
): Promise<void> {
  const chains = chainWeights(tasks);
  const waiting = new Map(tasks.map((task) => [task, task.after.length]));
  const dependents = invert(tasks);
  const ready = new ReadyList(chains);
  for (const task of tasks) if (task.after.length === 0) ready.add(task);
  const aloneNow = new Set<string>();
  const idle = [...workers];
  let running = 0;
  let changed = Promise.withResolvers<void>();
  let failure: { readonly error: unknown } | undefined;

  const carryOut = async (batch: readonly Task<Worker>[], worker: Worker) => {
    running++;
    const number = workers.indexOf(worker);
    for (const { alone } of batch) if (alone) aloneNow.add(alone);
    // All are begun now; each of them is seen to begin when the one before has ended.
    const begun = batch.map((task) =>
      attempt(task, worker, workers.length > 1 && ready.weight >= task.weight),
    );
    for (const [index, task] of batch.entries()) {
      watch?.began(task, number);
      const failed = await begun[index];
      if (failed) failure ??= failed;
      else {
        for (const next of dependents.get(task) ?? []) {
          const left = (waiting.get(next) ?? 0) - 1;
          waiting.set(next, left);
          if (left === 0) ready.add(next);
        }
      }
      watch?.ended(task, number, failed !== undefined);
      const { alone } = task;
      if (alone && !batch.slice(index + 1).some((later) => later.alone === alone)) aloneNow.delete(alone);
      changed.resolve();
    }
    idle.push(worker);
    running--;
  };

  const fail = (error: unknown) => {
    failure ??= { error };
    running--;
    changed.resolve();
  };

  for (;;) {
    changed = Promise.withResolvers();
    while (idle.length > 0 && !failure) {
      const batch = ready.take(aloneNow, idle.length);
      if (batch.length === 0) break;
      carryOut(batch, idle.pop() as Worker).catch(fail);
    }
    if (running === 0) break;
    await changed.promise;
  }
  if (failure) throw failure.error;
}

/** Never rejects. */
async function attempt<Worker>(
  task: Task<Worker>,
  worker: Worker,
  crowded: boolean,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    await task.run(worker, crowded);
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** What one worker is given at once: little, unless so much is ready that no other worker is left without. */
const joined = { least: 8 * 1024 * 1024, most: 64 * 1024 * 1024, share: 1 / 16 };
/** How far down the list such work is looked for. */
const lookedAt = 64;

/** What may begin now, lightest chain first, so that the heaviest is taken from the end. */
class ReadyList<Worker> {
  readonly #tasks: Task<Worker>[] = [];
  readonly #chains: ReadonlyMap<Task<Worker>, number>;
  /** Of all that are here, without what waits for them. */
  weight = 0;

  constructor(chains: ReadonlyMap<Task<Worker>, number>) {
    this.#chains = chains;
  }

  add(task: Task<Worker>): void {
    const weight = this.#weight(task);
    let low = 0;
    let high = this.#tasks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#weight(this.#tasks[middle]) < weight) low = middle + 1;
      else high = middle;
    }
    this.#tasks.splice(low, 0, task);
    this.weight += task.weight;
  }

  /**
   * The heaviest that may run beside what runs now; with those that may join it, as far as the others who are idle have
   * as many.
   */
  take(aloneNow: ReadonlySet<string>, idle: number): Task<Worker>[] {
    const first = this.#take(this.#tasks.length, ({ alone }) => !alone || !aloneNow.has(alone));
    if (!first) return [];
    const batch = [first];
    if (!first.joins) return batch;
    const keys = new Set([first.alone]);
    const budget = Math.min(joined.most, Math.max(joined.least, this.weight * joined.share));
    let left = budget - first.weight;
    const share = this.#tasks.slice(-lookedAt).filter(({ joins }) => joins).length / idle;
    while (batch.length <= share) {
      const next = this.#take(lookedAt, ({ joins, weight, alone }) => {
        return joins === true && weight <= left && (!alone || keys.has(alone) || !aloneNow.has(alone));
      });
      if (!next) break;
      batch.push(next);
      keys.add(next.alone);
      left -= next.weight;
    }
    return batch;
  }

  /** @param among so many of the heaviest. */
  #take(among: number, fits: (task: Task<Worker>) => boolean): Task<Worker> | undefined {
    const last = this.#tasks.length - 1;
    for (let index = last; index >= 0 && index > last - among; index--) {
      const task = this.#tasks[index];
      if (!task || !fits(task)) continue;
      this.#tasks.splice(index, 1);
      this.weight -= task.weight;
      return task;
    }
    return undefined;
  }

  #weight(task: Task<Worker> | undefined): number {
    return task ? (this.#chains.get(task) ?? 0) : 0;
  }
}

/** For each task its own weight and the heaviest chain of tasks that wait for it. */
function chainWeights<Worker>(tasks: readonly Task<Worker>[]): Map<Task<Worker>, number> {
  const dependents = invert(tasks);
  const chains = new Map<Task<Worker>, number>();
  // Tasks are made after what they wait for, so in reverse every dependent is known already.
  for (const task of tasks.toReversed()) {
    const behind = (dependents.get(task) ?? []).map((next) => chains.get(next) ?? 0);
    chains.set(task, task.weight + Math.max(0, ...behind));
  }
  return chains;
}

function invert<Worker>(tasks: readonly Task<Worker>[]): Map<Task<Worker>, Task<Worker>[]> {
  const dependents = new Map<Task<Worker>, Task<Worker>[]>();
  for (const task of tasks) {
    for (const before of task.after) {
      const list = dependents.get(before);
      if (list) list.push(task);
      else dependents.set(before, [task]);
    }
  }
  return dependents;
}
