import type { Task } from '../../system/task-graph.ts';
import type { Loader } from './loader.ts';
import type { Worker } from './worker.ts';

/** What is to be done, in the order in which it was thought of; what waits for what is in each task. */
export class TaskList {
  readonly tasks: Task<Worker>[] = [];
  readonly #loader: Loader;

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /** @param alone no two tasks with the same word run at once. @param joins see Task. */
  add(
    kind: string,
    name: string,
    weight: number,
    after: readonly Task<Worker>[],
    run: (loader: Loader, worker: Worker, crowded: boolean) => Promise<void>,
    alone?: string,
    joins = false,
  ): Task<Worker> {
    const task: Task<Worker> = {
      kind,
      name,
      weight,
      after,
      run: (worker, crowded) => run(this.#loader, worker, crowded),
      ...(alone ? { alone } : {}),
      joins,
    };
    this.tasks.push(task);
    return task;
  }

  statement(
    kind: string,
    name: string,
    statement: string,
    weight: number,
    after: readonly Task<Worker>[],
    alone?: string,
  ): Task<Worker> {
    return this.add(
      kind,
      name,
      weight,
      after,
      (loader, worker, crowded) => loader.run(worker, statement, name, crowded),
      alone,
      true,
    );
  }
}
