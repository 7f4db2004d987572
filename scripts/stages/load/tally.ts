import type { Table } from '../../model/catalog.ts';
import { rootsOf } from '../../model/partition-root.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import type { LoadedTable, Work } from '../../model/report.ts';
import type { Progress, StagingRun } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import type { TaskWatch, Watched } from '../../system/task-graph.ts';
import { Forecast } from './forecast.ts';

/** Shorter work is not worth a line in the report: constraints without a statement, mostly. */
const shortestSeconds = 0.001;

/** Counts what has passed and what is under way, for the progress line and the report. */
export class Tally implements TaskWatch {
  readonly #run: StagingRun;
  /** Bytes of the heaps, which the COPY data comes near to. */
  readonly #total: number;
  readonly #rootOf: (table: Table) => Table;
  readonly #tables = new Map<number, LoadedTable>();
  readonly #underWay = new Map<Watched, { readonly worker: number; readonly begun: number }>();
  readonly #done: Work['tasks'] = [];
  readonly #workers = new Set<number>();
  #bytes = 0;
  #rows = 0;
  #forecast: Forecast | undefined;

  constructor(run: StagingRun, { bytes, catalog }: Pick<Plan, 'bytes' | 'catalog'>) {
    this.#run = run;
    this.#total = bytes;
    this.#rootOf = rootsOf(catalog.tables);
  }

  /** What is to be done. */
  expect(tasks: readonly Watched[], workers: number): void {
    this.#forecast = new Forecast(tasks, workers);
    this.#run.log.progress(this.#progress);
  }

  began(task: Watched, worker: number): void {
    this.#workers.add(worker);
    this.#underWay.set(task, { worker, begun: performance.now() });
    this.#forecast?.began(task, worker, performance.now());
    this.#run.log.progress(this.#progress);
  }

  ended(task: Watched, worker: number, failed: boolean): void {
    const { begun } = this.#underWay.get(task) ?? { begun: performance.now() };
    const ms = performance.now() - begun;
    this.#underWay.delete(task);
    this.#forecast?.ended(task, performance.now());
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

  /** @param worker whose task they belong to, where there is one. */
  add(bytes: number, worker?: number): void {
    this.#bytes += bytes;
    if (worker !== undefined) this.#forecast?.sent(worker, bytes);
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
      ...this.#partition(table),
      ...(masked.length > 0 ? { masked: masked.map(({ column, mask }) => ({ column, mask })) } : {}),
      ...(rowsLeftOut ? { rowsLeftOut: rowsLeftOut.rows } : {}),
      rows: (sofar?.rows ?? 0) + rows,
      bytes: (sofar?.bytes ?? 0) + bytes,
      seconds: (sofar?.seconds ?? 0) + seconds,
    });
  }

  #partition(table: Table): Pick<LoadedTable, 'partitionOf'> {
    const root = this.#rootOf(table);
    return root === table ? {} : { partitionOf: display(root) };
  }

  /** Largest first. */
  tables(): LoadedTable[] {
    return [...this.#tables.values()].sort((a, b) => b.bytes - a.bytes);
  }

  /** By the tables' oids. */
  rows(): ReadonlyMap<number, number> {
    return new Map([...this.#tables].map(([oid, { rows }]) => [oid, rows]));
  }

  /** In the order in which it began. */
  work(): Work {
    const tasks = this.#done.toSorted((a, b) => a.begun - b.begun);
    return { workers: this.#workers.size, sourceBytes: this.#total, tasks };
  }

  /** One function for the whole run: the log looks at it as often as it writes, not as often as bytes arrive. */
  readonly #progress = (): Progress => {
    const forecast = this.#forecast?.look(performance.now());
    return {
      label: `${this.#tables.size} tables loaded`,
      done: this.#bytes,
      total: Math.max(this.#total, this.#bytes),
      unit: 'bytes',
      rows: this.#rows,
      underWay: [...this.#underWay.keys()].map(({ name }) => name),
      ...(forecast ? { forecast } : {}),
    };
  };
}

/** Milliseconds as seconds, to the millisecond. */
function rounded(ms: number): number {
  return Math.max(0, Math.round(ms)) / 1000;
}
