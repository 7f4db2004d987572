import type { Index, Table } from '../../model/catalog.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import { display } from '../../model/table.ts';
import { largeObjectBatches } from '../../postgres/large-objects.ts';
import type { Task } from '../../system/task-graph.ts';
import { ForeignKeyTasks } from './foreign-keys.ts';
import type { Loader } from './loader.ts';
import { gatherTables, type SmallTable, smallBytes } from './small-tables.ts';
import { attachIndex, createIndex } from './statements.ts';
import { Statistics } from './statistics.ts';
import { TaskList } from './task-list.ts';
import { statementWeight, weightOf, weightOfAnalyze } from './weights.ts';
import type { Worker } from './worker.ts';

export interface LoadGraph {
  readonly tasks: readonly Task<Worker>[];
  /** Oids of the indexes, constraints and foreign keys that the tasks build. */
  readonly built: ReadonlySet<number>;
}

/** Everything that is to be done to a database's tables, and what waits for what. */
export function planLoad(plan: Plan, loader: Loader): LoadGraph {
  const list = new TaskList(loader);
  const builder = new Builder(list, plan, loader.analyze);
  const [leaves, others] = partition(plan.tables, ({ table }) => table.loadThrough !== null);
  for (const planned of others) builder.addTable(planned);
  builder.addSmallTables();
  for (const group of Map.groupBy(leaves, ({ table }) => JSON.stringify(table.loadThrough)).values()) {
    builder.addLoadedThroughRoot(group);
  }
  for (const table of plan.catalog.tables) if (table.kind === 'p') builder.addPartitioned(table);
  const keys = new ForeignKeyTasks(list, plan, builder);
  for (const key of plan.catalog.foreignKeys) keys.add(key);
  keys.addSmall();
  builder.addLargeObjects(plan.catalog.largeObjects);
  return { tasks: list.tasks, built: new Set([...builder.built, ...keys.built]) };
}

class Builder {
  readonly built = new Set<number>();
  /** The task after which a table has its rows, indexes and constraints. */
  readonly stands = new Map<number, Task<Worker>>();
  readonly small = new Set<number>();
  readonly #list: TaskList;
  readonly #indexes: ReadonlyMap<number, Index[]>;
  readonly #statistics: Statistics;
  readonly #smallTables: SmallTable[] = [];

  constructor(list: TaskList, plan: Plan, analyze: boolean) {
    this.#list = list;
    this.#statistics = new Statistics(plan, analyze);
    this.#indexes = Map.groupBy(plan.catalog.indexes, (index) => index.table);
  }

  addTable(planned: PlannedTable): void {
    const { table, parts } = planned;
    if (parts.length === 1 && table.bytes <= smallBytes) this.#addSmall(planned);
    else this.#addBuilds(planned, this.#addCopies(planned));
  }

  /** Partitions whose rows find their place by themselves: none is complete before all of them are read. */
  addLoadedThroughRoot(group: readonly PlannedTable[]): void {
    const copied = group.flatMap((planned) => this.#addCopies(planned));
    for (const planned of group) this.#addBuilds(planned, copied);
  }

  /** Statistics of a partition tree once all of its partitions stand. */
  addPartitioned(table: Table): void {
    const statement = this.#statistics.statement(table);
    if (!statement) return;
    const leaves = this.#statistics.leavesOf(table.oid);
    const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    const weight = leaves.reduce((sum, leaf) => sum + weightOfAnalyze(leaf.bytes), weightOfAnalyze(bytes));
    const stand = leaves.flatMap((leaf) => this.stands.get(leaf.oid) ?? []);
    this.#list.statement('analyze tree', `analyze ${display(table)}`, statement, weight, stand);
  }

  addLargeObjects(oids: readonly number[]): void {
    for (const batch of largeObjectBatches(oids)) {
      this.#list.add(
        'large objects',
        `large objects from ${batch[0]}`,
        batch.length * statementWeight,
        [],
        (loader, worker) => loader.copyLargeObjects(worker, batch),
      );
    }
  }

  #addSmall(planned: PlannedTable): void {
    const { table } = planned;
    const indexes = this.#indexesOf(table);
    const after = () =>
      [
        ...indexes.flatMap((index) => createIndex(index) ?? []),
        ...indexes.flatMap((index) => attachIndex(index, table)),
        this.#statistics.statement(table) ?? [],
      ].flat();
    const weight = table.bytes + indexes.reduce((sum, index) => sum + weightOf(index), statementWeight);
    this.#smallTables.push({ planned, after, weight });
    this.small.add(table.oid);
  }

  addSmallTables(): void {
    for (const tables of gatherTables(this.#smallTables)) {
      const name = tables.map(({ planned }) => display(planned.table)).join(', ');
      const weight = tables.reduce((sum, table) => sum + table.weight, 0);
      const loaded = this.#list.add('load', `load ${name}`, weight, [], (loader, worker) =>
        loader.copyTables(worker, tables),
      );
      for (const { planned } of tables) this.stands.set(planned.table.oid, loaded);
    }
  }

  #addCopies(planned: PlannedTable): Task<Worker>[] {
    const { table, parts } = planned;
    return parts.map((part, number) =>
      this.#list.add(
        'copy',
        `copy ${display(table)} ${number + 1}/${parts.length}`,
        part.bytes,
        [],
        (loader, worker) => loader.copy(worker, planned, part, parts.length === 1),
      ),
    );
  }

  #addBuilds({ table }: PlannedTable, copied: readonly Task<Worker>[]): void {
    const indexes = this.#indexesOf(table);
    const built = indexes.flatMap((index) => {
      const statement = createIndex(index);
      return statement
        ? this.#list.statement(
            `index ${index.method}`,
            `index ${display(index)}`,
            statement,
            weightOf(index),
            copied,
          )
        : [];
    });
    const constraints = indexes.flatMap((index) => attachIndex(index, table)).join(';\n');
    const name = `constraints of ${display(table)}`;
    const stands = this.#list.statement('constraints', name, constraints, statementWeight, [
      ...copied,
      ...built,
    ]);
    this.stands.set(table.oid, stands);
    const analyze = this.#statistics.statement(table);
    if (!analyze) return;
    const weight = weightOfAnalyze(table.bytes);
    this.#list.statement('analyze', `analyze ${display(table)}`, analyze, weight, [stands]);
  }

  #indexesOf(table: Table): readonly Index[] {
    const indexes = this.#indexes.get(table.oid) ?? [];
    for (const index of indexes) {
      this.built.add(index.oid);
      if (index.constraint) this.built.add(index.constraint.oid);
    }
    return indexes;
  }
}

function partition<Value>(values: readonly Value[], choose: (value: Value) => boolean): [Value[], Value[]] {
  return [values.filter(choose), values.filter((value) => !choose(value))];
}
