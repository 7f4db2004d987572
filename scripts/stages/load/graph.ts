import type { ForeignKey, Index, Table } from '../../model/catalog.ts';
import type { Part, Plan, PlannedTable } from '../../model/plan.ts';
import { display, qualified } from '../../model/table.ts';
import type { Task } from '../../system/task-graph.ts';
import type { Loader } from './loader.ts';
import { gatherKeys, gatherTables, type SmallTable, smallBytes } from './small-tables.ts';
import { addForeignKey, attachIndex, createIndex, validateForeignKey } from './statements.ts';
import { statementWeight, validateWeight, weightOf, weightOfAnalyze } from './weights.ts';
import type { Worker } from './worker.ts';

/** Large objects in one transaction: each holds a lock until its end (manual, max_locks_per_transaction). */
const largeObjectsAtOnce = 500;

export interface LoadGraph {
  readonly tasks: readonly Task<Worker>[];
  /** Oids of the indexes, constraints and foreign keys that the tasks build. */
  readonly built: ReadonlySet<number>;
}

/** Everything that is to be done to a database's tables, and what waits for what. */
export function planLoad(plan: Plan, loader: Loader): LoadGraph {
  const builder = new Builder(plan, loader);
  const [leaves, others] = partition(plan.tables, ({ table }) => table.loadThrough !== null);
  for (const planned of others) builder.addTable(planned);
  builder.addSmallTables();
  for (const group of Map.groupBy(leaves, ({ table }) => JSON.stringify(table.loadThrough)).values()) {
    builder.addLoadedThroughRoot(group);
  }
  for (const table of plan.catalog.tables) if (table.kind === 'p') builder.addPartitioned(table);
  for (const key of plan.catalog.foreignKeys) builder.addForeignKey(key);
  builder.addSmallKeys();
  builder.addLargeObjects(plan.catalog.largeObjects);
  return builder;
}

class Builder implements LoadGraph {
  readonly tasks: Task<Worker>[] = [];
  readonly built = new Set<number>();
  readonly #loader: Loader;
  readonly #tables: ReadonlyMap<number, Table>;
  readonly #indexes: ReadonlyMap<number, Index[]>;
  readonly #partitions: ReadonlyMap<number | null, Table[]>;
  /** The task after which a table has its rows, indexes and constraints. */
  readonly #stands = new Map<number, Task<Worker>>();
  readonly #small: SmallTable[] = [];
  readonly #smallOids = new Set<number>();
  readonly #smallKeys: ForeignKey[] = [];

  constructor(plan: Plan, loader: Loader) {
    this.#loader = loader;
    this.#tables = new Map(plan.tables.map(({ table }) => [table.oid, table]));
    this.#partitions = Map.groupBy(plan.catalog.tables, (table) => table.partitionOf);
    this.#indexes = Map.groupBy(plan.catalog.indexes, (index) => index.table);
  }

  addTable(planned: PlannedTable): void {
    const { table, parts } = planned;
    const [only] = parts;
    if (only && parts.length === 1 && table.bytes <= smallBytes) this.#addSmall(planned, only);
    else this.#addBuilds(planned, this.#addCopies(planned));
  }

  /** Partitions whose rows find their place by themselves: none is complete before all of them are read. */
  addLoadedThroughRoot(group: readonly PlannedTable[]): void {
    const copied = group.flatMap((planned) => this.#addCopies(planned));
    for (const planned of group) this.#addBuilds(planned, copied);
  }

  /**
   * Those to ordinary tables. Keys to partitioned tables stay with pg_restore, and so do those of partitions: made before
   * the partitioned table's own, they would be taken for its children.
   */
  addForeignKey(key: ForeignKey): void {
    const table = this.#tables.get(key.table);
    if (!table) this.#addPartitionedKey(key);
    const from = this.#stands.get(key.table);
    const to = this.#stands.get(key.references);
    if (!table || table.partitionOf !== null || !from || !to) return;
    this.built.add(key.oid);
    if (this.#smallOids.has(key.table) && this.#smallOids.has(key.references)) this.#smallKeys.push(key);
    else this.#addCheckedKey(key, table, [from, to]);
  }

  /**
   * Each partition's first, several at a time; then the partitioned table's, which takes equal ones that are validated
   * for its own shares and looks at no row (tablecmds.c, tryAttachPartitionForeignKey).
   */
  #addPartitionedKey(key: ForeignKey): void {
    const partitioned = [...this.#partitions.values()].flat().find(({ oid }) => oid === key.table);
    const to = this.#stands.get(key.references);
    if (partitioned?.kind !== 'p' || partitioned.partitionOf !== null || !to || !key.validated) return;
    const shares = (key.partitions ?? []).flatMap(({ table, name }) => {
      const [leaf, from] = [this.#tables.get(table), this.#stands.get(table)];
      return leaf && from ? this.#addCheckedKey({ ...key, name }, leaf, [from, to]) : [];
    });
    if (shares.length === 0) return;
    this.built.add(key.oid);
    const name = `add foreign key ${key.name} of ${display(partitioned)}`;
    const statement = addForeignKey(key, partitioned, true);
    this.#statement('constraints', name, statement, statementWeight, shares, 'add foreign key');
  }

  /** Returns the task after which the key is as it is in production. */
  #addCheckedKey(key: ForeignKey, table: Table, stand: readonly Task<Worker>[]): Task<Worker> {
    const name = `foreign key ${key.name} of ${display(table)}`;
    // Two at once could each wait for the other's table; the statement itself takes a moment.
    const added = this.#statement(
      'constraints',
      `add ${name}`,
      addForeignKey(key, table),
      0,
      stand,
      'add foreign key',
    );
    if (!key.validated) return added;
    // Two validations of one table would wait for each other and keep a worker idle.
    const weight = table.bytes * validateWeight;
    const validate = validateForeignKey(key, table);
    const alone = `validate ${table.oid}`;
    return this.#statement('validate', `validate ${name}`, validate, weight, [added], alone);
  }

  /**
   * Statistics of a partition tree once all of its partitions stand. ANALYZE of a partitioned table visits its
   * partitions too (manual, ANALYZE), so only the outermost is named.
   */
  addPartitioned(table: Table): void {
    if (table.partitionOf !== null || !this.#loader.analyze) return;
    const leaves = this.#leavesOf(table.oid);
    const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    const weight = leaves.reduce((sum, leaf) => sum + weightOfAnalyze(leaf.bytes), weightOfAnalyze(bytes));
    const stand = leaves.flatMap((leaf) => this.#stands.get(leaf.oid) ?? []);
    this.#statement(
      'analyze tree',
      `analyze ${display(table)}`,
      `analyze ${qualified(table)}`,
      weight,
      stand,
    );
  }

  #leavesOf(oid: number): Table[] {
    const partitions = this.#partitions.get(oid) ?? [];
    return partitions.flatMap((table) => (table.kind === 'p' ? this.#leavesOf(table.oid) : [table]));
  }

  addLargeObjects(oids: readonly number[]): void {
    for (let first = 0; first < oids.length; first += largeObjectsAtOnce) {
      const batch = oids.slice(first, first + largeObjectsAtOnce);
      this.#add(
        'large objects',
        `large objects from ${batch[0]}`,
        batch.length * statementWeight,
        [],
        (worker) => this.#loader.copyLargeObjects(worker, batch),
      );
    }
  }

  #addSmall(planned: PlannedTable, part: Part): void {
    const { table } = planned;
    const indexes = this.#indexesOf(table);
    const after = [
      ...indexes.flatMap((index) => createIndex(index) ?? []),
      ...indexes.flatMap((index) => attachIndex(index, table)),
      ...(table.partitionOf === null && this.#loader.analyze ? [`analyze ${qualified(table)}`] : []),
    ];
    const weight = table.bytes + indexes.reduce((sum, index) => sum + weightOf(index), statementWeight);
    this.#small.push({ planned, part, after, weight });
    this.#smallOids.add(table.oid);
  }

  addSmallTables(): void {
    for (const tables of gatherTables(this.#small)) {
      const name = tables.map(({ planned }) => display(planned.table)).join(', ');
      const weight = tables.reduce((sum, table) => sum + table.weight, 0);
      const loaded = this.#add('load', `load ${name}`, weight, [], (worker) =>
        this.#loader.copyTables(worker, tables),
      );
      for (const { planned } of tables) this.#stands.set(planned.table.oid, loaded);
    }
  }

  /** Small tables are looked through faster than asked about twice. */
  addSmallKeys(): void {
    for (const keys of gatherKeys(this.#smallKeys)) {
      const statements = keys.flatMap((key) => {
        const table = this.#tables.get(key.table);
        return table ? [addForeignKey(key, table, true)] : [];
      });
      const stand = keys.flatMap((key) => [this.#stands.get(key.table), this.#stands.get(key.references)]);
      const after = [...new Set(stand)].filter((task) => task !== undefined);
      const name = `foreign key ${keys.map((key) => key.name).join(', ')}`;
      const run = (worker: Worker) => this.#loader.runEach(worker, statements, name);
      this.#add('constraints', `add ${name}`, keys.length * statementWeight, after, run, 'add foreign key');
    }
  }

  #addCopies(planned: PlannedTable): Task<Worker>[] {
    const { table, parts } = planned;
    return parts.map((part, number) =>
      this.#add('copy', `copy ${display(table)} ${number + 1}/${parts.length}`, part.bytes, [], (worker) =>
        this.#loader.copy(worker, planned, part, parts.length === 1, []),
      ),
    );
  }

  #addBuilds({ table }: PlannedTable, copied: readonly Task<Worker>[]): void {
    const indexes = this.#indexesOf(table);
    const built = indexes.flatMap((index) => {
      const statement = createIndex(index);
      return statement
        ? this.#statement(
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
    const stands = this.#statement('constraints', name, constraints, statementWeight, [...copied, ...built]);
    this.#stands.set(table.oid, stands);
    if (table.partitionOf !== null || !this.#loader.analyze) return;
    this.#statement(
      'analyze',
      `analyze ${display(table)}`,
      `analyze ${qualified(table)}`,
      weightOfAnalyze(table.bytes),
      [stands],
    );
  }

  #indexesOf(table: Table): readonly Index[] {
    const indexes = this.#indexes.get(table.oid) ?? [];
    for (const index of indexes) {
      this.built.add(index.oid);
      if (index.constraint) this.built.add(index.constraint.oid);
    }
    return indexes;
  }

  #statement(
    kind: string,
    name: string,
    statement: string,
    weight: number,
    after: readonly Task<Worker>[],
    alone?: string,
  ): Task<Worker> {
    return this.#add(
      kind,
      name,
      weight,
      after,
      (worker, crowded) => this.#loader.run(worker, statement, name, crowded),
      alone,
    );
  }

  #add(
    kind: string,
    name: string,
    weight: number,
    after: readonly Task<Worker>[],
    run: Task<Worker>['run'],
    alone?: string,
  ): Task<Worker> {
    const task: Task<Worker> = { kind, name, weight, after, run, ...(alone ? { alone } : {}) };
    this.tasks.push(task);
    return task;
  }
}

function partition<Value>(values: readonly Value[], choose: (value: Value) => boolean): [Value[], Value[]] {
  return [values.filter(choose), values.filter((value) => !choose(value))];
}
