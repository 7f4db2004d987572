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
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  const begin = (task: Task<Worker>, worker: Worker) => {
    if (task.alone) aloneNow.add(task.alone);
    const number = workers.indexOf(worker);
    watch?.began(task, number);
    let failed = false;
    const done = task
      .run(worker, workers.length > 1 && ready.weight >= task.weight)
      .then(() => {
        for (const next of dependents.get(task) ?? []) {
          const left = (waiting.get(next) ?? 0) - 1;
          waiting.set(next, left);
          if (left === 0) ready.add(next);
        }
      })
      .catch((error: unknown) => {
        failed = true;
        failure ??= { error };
      })
      .finally(() => {
        watch?.ended(task, number, failed);
        if (task.alone) aloneNow.delete(task.alone);
        idle.push(worker);
        running.delete(done);
      });
    running.add(done);
  };

  for (;;) {
    while (idle.length > 0 && !failure) {
      const task = ready.take(aloneNow);
      if (!task) break;
      begin(task, idle.pop() as Worker);
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  if (failure) throw failure.error;
}

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

  /** The heaviest that may run beside what runs now. */
  take(aloneNow: ReadonlySet<string>): Task<Worker> | undefined {
    const index = this.#tasks.findLastIndex((task) => !task.alone || !aloneNow.has(task.alone));
    const [task] = index < 0 ? [] : this.#tasks.splice(index, 1);
    this.weight -= task?.weight ?? 0;
    return task;
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
