import type { Part, Plan, PlannedTable } from '../model/plan.ts';
import type { LoadedTable, Work } from '../model/report.ts';
import type { StagingRun } from '../model/run.ts';
import { display, qualified } from '../model/table.ts';
import { sectionEnd } from '../postgres/copy-statement.ts';
import { copyLargeObjectsIn } from '../postgres/large-objects.ts';
import type { RowReader, RowSource } from '../postgres/row-source.ts';
import { expectStaging } from '../postgres/run-sessions.ts';
import { runTasks } from '../system/task-graph.ts';
import { planLoad } from './load/graph.ts';
import { type SmallTable, smallBytes } from './load/small-tables.ts';
import { compressQuickly, copyIn } from './load/statements.ts';
import { Tally } from './load/tally.ts';
import { Worker } from './load/worker.ts';

export interface Loaded {
  readonly tables: readonly LoadedTable[];
  /** How many there are of each table, by its oid: as the source and staging counted them while they passed. */
  readonly rows: ReadonlyMap<number, number>;
  /** Oids of indexes, constraints and foreign keys that are built now. */
  readonly built: ReadonlySet<number>;
}

/**
 * Loads the next database: rows first, a table's indexes as soon as its rows are there while other tables still load,
 * then the constraints that use those indexes, statistics, and the foreign keys as soon as both of their tables stand.
 *
 * @param told what each worker did, also when the load ends early.
 */
export async function load(
  run: StagingRun,
  plan: Plan,
  source: RowSource,
  next: { readonly name: string; readonly searchPath: string },
  told: (work: Work) => void,
): Promise<Loaded> {
  const tally = new Tally(run, plan);
  if (run.config.analyze) warnOfStatistics(run, plan);
  const graph = planLoad(plan, {
    copy: (worker, planned, part, whole) => copyPart(tally, worker, planned, part, whole),
    copyTables: (worker, tables) => copyTables(tally, worker, tables),
    copyLargeObjects: (worker, oids) => copyLargeObjects(tally, worker, oids),
    runEach: async (worker, statements, object) => {
      const target = await worker.target();
      await target.run(
        statements.map((statement) => target.atomically([statement])).join(';\n'),
        object,
        true,
      );
    },
    run: async (worker, statement, object, crowded) => {
      if (statement === '') return;
      // Parallel workers cost more than they bring while other tables' work keeps the cores busy.
      const alone = crowded ? 'set local max_parallel_maintenance_workers = 0;\n' : '';
      await (await worker.target()).run(alone + statement, object, true);
    },
    analyze: run.config.analyze,
  });
  const settings = loadSettings(next);
  const workers = Array.from(
    { length: run.config.jobs },
    (_, number) => new Worker(number, run, source, next.name, settings),
  );
  try {
    tally.expect(graph.tasks, workers.length);
    await runTasks(graph.tasks, workers, tally);
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.destroy()));
    throw error;
  } finally {
    told(tally.work());
  }
  await Promise.all(workers.map((worker) => worker.close()));
  return { tables: tally.tables(), rows: tally.rows(), built: graph.built };
}

/** Begins to open the connections that `load` takes to the next database. */
export function expectLoad(
  run: StagingRun,
  next: { readonly name: string; readonly searchPath: string },
): void {
  expectStaging(run, next.name, loadSettings(next), run.config.jobs);
}

const loadSettings = (next: { readonly searchPath: string }) => ({
  search_path: next.searchPath,
  // A crash of the server costs the whole new database anyway; publishing commits synchronously.
  synchronous_commit: 'off',
  // Measured on two cores: enough for btree sorts, and GIN builds get slower with more.
  maintenance_work_mem: '128MB',
  // Compiling a foreign key's check costs more than it saves.
  jit: 'off',
  lock_timeout: '0',
});

/** Of a table above a foreign one, which ANALYZE of it would look at, too. */
function warnOfStatistics(run: StagingRun, { catalog }: Plan): void {
  for (const table of catalog.tables) {
    if (!table.aboveForeign || table.partitionOf !== null) continue;
    run.log.warn(`no statistics of ${display(table)}: ANALYZE would ask the server of its foreign tables`);
  }
}

async function copyLargeObjects(tally: Tally, worker: Worker, oids: readonly number[]): Promise<void> {
  const [source, target] = await Promise.all([worker.source(), worker.target()]);
  await source.copyLargeObjects(oids, {
    target,
    copyIn: target.atomically(copyLargeObjectsIn(oids)),
    object: `large objects ${oids[0]} to ${oids.at(-1)}`,
    onBytes: (bytes) => tally.add(bytes, worker.number),
  });
}

async function copyPart(
  tally: Tally,
  worker: Worker,
  planned: PlannedTable,
  part: Part,
  whole: boolean,
): Promise<void> {
  const [source, target] = await Promise.all([worker.source(), worker.target()]);
  const load = loading(source, planned, whole);
  const compress = planned.table.bytes > smallBytes ? [compressQuickly] : [];
  const begun = performance.now();
  const copied = await source.copyRows(planned, part, {
    target,
    copyIn: target.atomically([...compress, ...load]),
    object: display(planned.table),
    onBytes: (bytes) => tally.add(bytes, worker.number),
  });
  tally.loaded(planned, copied.rows, copied.bytes, (performance.now() - begun) / 1000);
}

/**
 * Small tables in one text of statements, each in a transaction of its own: the servers go from one to the next without
 * waiting for us.
 */
async function copyTables(tally: Tally, worker: Worker, tables: readonly SmallTable[]): Promise<void> {
  const [source, target] = await Promise.all([worker.source(), worker.target()]);
  const texts = tables.map(
    ({ planned, after }) =>
      `${target.atomically([...loading(source, planned, true), ...after()])};\n${sectionEnd}`,
  );
  let done = 0;
  let begun = performance.now();
  await source.copyTables(
    tables.map(({ planned }) => planned),
    {
      target,
      copyIn: texts.join(';\n'),
      object: 'small tables',
      objects: tables.map(({ planned }) => display(planned.table)),
      onBytes: (bytes) => tally.add(bytes, worker.number),
      onCopied: ({ rows, bytes }) => {
        const now = performance.now();
        const planned = tables[done++]?.planned;
        if (planned) tally.loaded(planned, rows, bytes, (now - begun) / 1000);
        begun = now;
      },
    },
  );
}

/**
 * Rows that are loaded into a table emptied by the same transaction are born frozen: nobody has to visit them again to
 * set hint bits. An extension's own rows must stay, and parts of one table can't share a transaction.
 */
function loading(source: RowReader, planned: PlannedTable, whole: boolean): string[] {
  const { table } = planned;
  const freeze = whole && table.configuration === null && table.loadThrough === null;
  const copy = copyIn(table, source.formatOf(planned), freeze);
  return freeze ? [`truncate only ${qualified(table)}`, copy] : [copy];
}
