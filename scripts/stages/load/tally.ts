import type { PlannedTable } from '../../model/plan.ts';
import type { LoadedTable, Work } from '../../model/report.ts';
import type { Progress, StagingRun } from '../../model/run.ts';
import type { TaskWatch } from '../../system/task-graph.ts';

type Task = Parameters<TaskWatch['began']>[0];

/** Shorter work is not worth a line in the report: constraints without a statement, mostly. */
const shortestSeconds = 0.001;
/** A task that is under way is never taken for done. */
const mostOfATask = 0.95;

/** Counts what has passed and what is under way, for the progress line and the report. */
export class Tally implements TaskWatch {
  readonly #run: StagingRun;
  /** Bytes of the heaps, which the COPY data comes near to. */
  readonly #total: number;
  readonly #tables = new Map<number, LoadedTable>();
  readonly #underWay = new Map<Task, { readonly worker: number; readonly begun: number }>();
  readonly #done: Work['tasks'] = [];
  readonly #workers = new Set<number>();
  #bytes = 0;
  #rows = 0;
  /** In the unit of the tasks' weights: of all of them, and of those that have ended. */
  #weight = 0;
  #weightDone = 0;
  /** Milliseconds that the ended tasks took, summed over the workers. */
  #busyMs = 0;

  constructor(run: StagingRun, total: number) {
    this.#run = run;
    this.#total = total;
  }

  /** What is to be done. */
  expect(tasks: readonly Task[]): void {
    this.#weight = tasks.reduce((sum, { weight }) => sum + weight, 0);
    this.#run.log.progress(this.#progress);
  }

  began(task: Task, worker: number): void {
    this.#workers.add(worker);
    this.#underWay.set(task, { worker, begun: performance.now() });
    this.#run.log.progress(this.#progress);
  }

  ended(task: Task, worker: number, failed: boolean): void {
    const { begun } = this.#underWay.get(task) ?? { begun: performance.now() };
    const ms = performance.now() - begun;
    this.#underWay.delete(task);
    this.#weightDone += task.weight;
    this.#busyMs += ms;
    if (ms / 1000 < shortestSeconds && !failed) return;
    this.#run.log.detail?.(`worker ${worker + 1}: ${task.name}, ${(ms / 1000).toFixed(2)} s`);
    const sinceStart = performance.timeOrigin + begun - this.#run.startedAt.getTime();
    this.#done.push({
      worker,
      name: task.name,
      begun: rounded(sinceStart),
      seconds: rounded(ms),
      ...(failed ? { failed } : {}),
    });
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#run.log.progress(this.#progress);
  }

  loaded(
    { table, treatment, masked, rowsLeftOut }: PlannedTable,
    rows: number,
    bytes: number,
    seconds: number,
  ): void {
    this.#rows += rows;
    const sofar = this.#tables.get(table.oid);
    this.#tables.set(table.oid, {
      schema: table.schema,
      name: table.name,
      treatment,
      ...(masked.length > 0 ? { masked: masked.map(({ column, mask }) => ({ column, mask })) } : {}),
      ...(rowsLeftOut ? { rowsLeftOut: rowsLeftOut.rows } : {}),
      rows: (sofar?.rows ?? 0) + rows,
      bytes: (sofar?.bytes ?? 0) + bytes,
      seconds: (sofar?.seconds ?? 0) + seconds,
    });
  }

  /** Largest first. */
  tables(): LoadedTable[] {
    return [...this.#tables.values()].sort((a, b) => b.bytes - a.bytes);
  }

  /** In the order in which it began. */
  work(): Work {
    const tasks = this.#done.toSorted((a, b) => a.begun - b.begun);
    return { workers: this.#workers.size, sourceBytes: this.#total, tasks };
  }

  /** One function for the whole run: the log looks at it as often as it writes, not as often as bytes arrive. */
  readonly #progress = (): Progress => ({
    label: `${this.#tables.size} tables loaded`,
    done: this.#bytes,
    total: Math.max(this.#total, this.#bytes),
    unit: 'bytes',
    rows: this.#rows,
    underWay: [...this.#underWay.keys()].map(({ name }) => name),
    work: { done: this.#workDone(), total: this.#weight },
  });

  /** What has ended, and of what is under way as much as the tasks before it would have been by now. */
  #workDone(): number {
    const perMs = this.#busyMs > 0 ? this.#weightDone / this.#busyMs : 0;
    let done = this.#weightDone;
    for (const [{ weight }, { begun }] of this.#underWay)
      done += Math.min(weight * mostOfATask, (performance.now() - begun) * perMs);
    return Math.min(this.#weight, done);
  }
}

/** Milliseconds as seconds, to the millisecond. */
function rounded(ms: number): number {
  return Math.max(0, Math.round(ms)) / 1000;
}
