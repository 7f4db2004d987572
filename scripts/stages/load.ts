import type { Index, Table } from '../model/catalog.ts';
import type { Part, Plan, PlannedTable } from '../model/plan.ts';
import type { LoadedTable } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import { display, qualified } from '../model/table.ts';
import { spliceCopy } from '../postgres/copy.ts';
import type { Snapshot } from '../postgres/run-sessions.ts';
import { runTasks, type Task } from '../system/task-graph.ts';
import {
  addForeignKey,
  attachIndex,
  copyIn,
  copyOut,
  createIndex,
  validateForeignKey,
} from './load/statements.ts';
import { Worker } from './load/worker.ts';

/** Tables up to this size are loaded, indexed and analysed by one text of statements: one round trip for all of it. */
const smallBytes = 4 * 1024 * 1024;

/** An index costs about this much per byte of its table, compared with loading it; only the order depends on it. */
const indexWeight = 0.5;
const validateWeight = 0.3;
const analyzeWeight = 0.05;

export interface Loaded {
  readonly tables: readonly LoadedTable[];
  /** Oids of indexes, constraints and foreign keys that are built now. */
  readonly built: ReadonlySet<number>;
}

/**
 * Loads the next database: rows first, a table's indexes as soon as its rows are there while other tables still load,
 * then the constraints that use those indexes, statistics, and the foreign keys as soon as both of their tables stand.
 */
export async function load(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  next: { readonly name: string; readonly searchPath: string },
): Promise<Loaded> {
  const tally = new Tally(run, plan);
  const graph = new LoadGraph(plan, tally);
  const settings = {
    search_path: next.searchPath,
    synchronous_commit: 'off',
    maintenance_work_mem: '256MB',
    lock_timeout: '0',
  };
  const workers = Array.from(
    { length: Math.min(run.config.jobs, Math.max(1, graph.tasks.length)) },
    () => new Worker(run, snapshot, next.name, settings),
  );
  try {
    await runTasks(graph.tasks, workers);
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.destroy()));
    throw error;
  }
  await Promise.all(workers.map((worker) => worker.close()));
  return { tables: tally.tables(), built: graph.built };
}

/** Everything that is to be done to a database's tables, and what waits for what. */
class LoadGraph {
  readonly tasks: Task<Worker>[] = [];
  readonly built = new Set<number>();
  readonly #tally: Tally;
  readonly #indexes: Map<number, Index[]>;
  /** The task after which a table has its rows, indexes and constraints. */
  readonly #stands = new Map<number, Task<Worker>>();

  constructor(plan: Plan, tally: Tally) {
    this.#tally = tally;
    this.#indexes = Map.groupBy(plan.catalog.indexes, (index) => index.table);
    for (const planned of plan.tables) {
      const small = planned.table.bytes <= smallBytes && planned.parts.length === 1;
      if (small) this.#addSmall(planned);
      else this.#addLarge(planned);
    }
    this.#addForeignKeys(plan);
  }

  #addSmall({ table, parts }: PlannedTable): void {
    const indexes = this.#indexesOf(table);
    const after = [
      ...indexes.flatMap((index) => createIndex(index) ?? []),
      ...indexes.flatMap((index) => attachIndex(index, table)),
      ...(table.partitionOf === null ? [`analyze ${qualified(table)}`] : []),
    ];
    const part = parts[0] as Part;
    this.#stands.set(
      table.oid,
      this.#add(`load ${display(table)}`, table.bytes * (1 + indexes.length * indexWeight), [], (worker) =>
        this.#copy(worker, table, part, after),
      ),
    );
  }

  #addLarge({ table, parts }: PlannedTable): void {
    const copied = parts.map((part, number) =>
      this.#add(`copy ${display(table)} ${number + 1}/${parts.length}`, part.bytes, [], (worker) =>
        this.#copy(worker, table, part, [], parts.length === 1),
      ),
    );
    const indexes = this.#indexesOf(table);
    const built = indexes.flatMap((index) => {
      const statement = createIndex(index);
      if (!statement) return [];
      return this.#add(`index ${display(index)}`, table.bytes * indexWeight, copied, (worker) =>
        run(worker, statement, `index ${display(index)}`),
      );
    });
    const statements = indexes.flatMap((index) => attachIndex(index, table));
    const stands = this.#add(`constraints ${display(table)}`, 0, [...copied, ...built], (worker) =>
      statements.length > 0
        ? run(worker, statements.join(';\n'), `constraints of ${display(table)}`)
        : Promise.resolve(),
    );
    this.#stands.set(table.oid, stands);
    if (table.partitionOf !== null) return;
    this.#add(`analyze ${display(table)}`, table.bytes * analyzeWeight, [stands], (worker) =>
      run(worker, `analyze ${qualified(table)}`, display(table)),
    );
  }

  /** Those between two ordinary tables; keys from or to partitioned tables stay with pg_restore. */
  #addForeignKeys(plan: Plan): void {
    const tables = new Map(plan.tables.map(({ table }) => [table.oid, table]));
    for (const key of plan.catalog.foreignKeys) {
      const table = tables.get(key.table);
      const from = this.#stands.get(key.table);
      const to = this.#stands.get(key.references);
      if (!table || !from || !to) continue;
      this.built.add(key.oid);
      const name = `foreign key ${key.name} of ${display(table)}`;
      // Two at once could each wait for the other's table; the statement itself takes a moment.
      const added = this.#add(
        `add ${name}`,
        0,
        [from, to],
        (worker) => run(worker, addForeignKey(key, table), name),
        'add foreign key',
      );
      if (!key.validated) continue;
      // Two validations of one table would wait for each other and keep a worker idle.
      this.#add(
        `validate ${name}`,
        table.bytes * validateWeight,
        [added],
        (worker) => run(worker, validateForeignKey(key, table), name),
        `validate ${table.oid}`,
      );
    }
  }

  async #copy(
    worker: Worker,
    table: Table,
    part: Part,
    after: readonly string[],
    whole = true,
  ): Promise<void> {
    const [source, target] = await Promise.all([worker.source(), worker.target()]);
    // Rows that are loaded into a table emptied by the same transaction are born frozen: nobody has to visit them
    // again to set hint bits. An extension's own rows must stay, and parts of one table can't share a transaction.
    const freeze = whole && table.configuration === null;
    const text = freeze
      ? ['begin', `truncate only ${qualified(table)}`, copyIn(table, ' (freeze)'), ...after, 'commit']
      : ['begin', copyIn(table), ...after, 'commit'];
    const begun = performance.now();
    const spliced = await spliceCopy({
      source,
      copyOut: copyOut(table, part),
      target,
      copyIn: text.join(';\n'),
      object: display(table),
      onBytes: (bytes) => this.#tally.add(bytes),
    });
    this.#tally.loaded(table, spliced.rowsIn, spliced.bytes, (performance.now() - begun) / 1000);
  }

  #indexesOf(table: Table): Index[] {
    const indexes = this.#indexes.get(table.oid) ?? [];
    for (const index of indexes) {
      this.built.add(index.oid);
      if (index.constraint) this.built.add(index.constraint.oid);
    }
    return indexes;
  }

  #add(
    name: string,
    weight: number,
    after: readonly Task<Worker>[],
    work: (worker: Worker) => Promise<void>,
    alone?: string,
  ): Task<Worker> {
    const task: Task<Worker> = { name, weight, after, run: work, ...(alone ? { alone } : {}) };
    this.tasks.push(task);
    return task;
  }
}

async function run(worker: Worker, statement: string, object: string): Promise<void> {
  await (await worker.target()).run(statement, object);
}

/** Counts what has passed, for the progress line and the report. */
class Tally {
  readonly #run: Run;
  readonly #total: number;
  readonly #tables = new Map<number, LoadedTable>();
  #bytes = 0;

  constructor(run: Run, plan: Plan) {
    this.#run = run;
    this.#total = plan.bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const label = `${this.#tables.size} tables begun`;
    this.#run.log.progress({
      label,
      done: this.#bytes,
      total: Math.max(this.#total, this.#bytes),
      unit: 'bytes',
    });
  }

  loaded(table: Table, rows: number, bytes: number, seconds: number): void {
    const sofar = this.#tables.get(table.oid);
    this.#tables.set(table.oid, {
      schema: table.schema,
      name: table.name,
      treatment: 'copy',
      rows: (sofar?.rows ?? 0) + rows,
      bytes: (sofar?.bytes ?? 0) + bytes,
      seconds: (sofar?.seconds ?? 0) + seconds,
    });
  }

  tables(): LoadedTable[] {
    return [...this.#tables.values()].sort((a, b) => b.bytes - a.bytes);
  }
}
