import type { ForeignKey, Table } from '../../model/catalog.ts';
import type { Plan } from '../../model/plan.ts';
import { display } from '../../model/table.ts';
import type { Task } from '../../system/task-graph.ts';
import { gatherKeys } from './small-tables.ts';
import { addForeignKey, validateForeignKey } from './statements.ts';
import type { TaskList } from './task-list.ts';
import { statementWeight, validateWeight } from './weights.ts';
import type { Worker } from './worker.ts';

/** What has to be known of the tables that keys are between. */
export interface Standing {
  /** The task after which a table has its rows, indexes and constraints. */
  readonly stands: ReadonlyMap<number, Task<Worker>>;
  /** Oids of tables that are looked through faster than asked about twice. */
  readonly small: ReadonlySet<number>;
}

/** The foreign keys that the engine makes itself, each as soon as both of its tables stand. */
export class ForeignKeyTasks {
  /** Oids of the keys that the tasks make. */
  readonly built = new Set<number>();
  readonly #list: TaskList;
  readonly #tables: ReadonlyMap<number, Table>;
  readonly #partitioned: ReadonlyMap<number, Table>;
  readonly #standing: Standing;
  readonly #smallKeys: ForeignKey[] = [];

  constructor(list: TaskList, plan: Plan, standing: Standing) {
    this.#list = list;
    this.#standing = standing;
    this.#tables = new Map(plan.tables.map(({ table }) => [table.oid, table]));
    const partitioned = plan.catalog.tables.filter(({ kind }) => kind === 'p');
    this.#partitioned = new Map(partitioned.map((table) => [table.oid, table]));
  }

  /**
   * Those to ordinary tables. Keys to partitioned tables stay with pg_restore, and so do those of partitions: made before
   * the partitioned table's own, they would be taken for its children.
   */
  add(key: ForeignKey): void {
    const table = this.#tables.get(key.table);
    if (!table) this.#addPartitioned(key);
    const { stands, small } = this.#standing;
    const from = stands.get(key.table);
    const to = stands.get(key.references);
    if (!table || table.partitionOf !== null || !from || !to) return;
    this.built.add(key.oid);
    if (small.has(key.table) && small.has(key.references)) this.#smallKeys.push(key);
    else this.#addChecked(key, table, [from, to]);
  }

  /** Several small ones in one text; to be called after all others. */
  addSmall(): void {
    const { stands } = this.#standing;
    for (const keys of gatherKeys(this.#smallKeys)) {
      const statements = keys.flatMap((key) => {
        const table = this.#tables.get(key.table);
        return table ? [addForeignKey(key, table, true)] : [];
      });
      const stand = keys.flatMap((key) => [stands.get(key.table), stands.get(key.references)]);
      const after = [...new Set(stand)].filter((task) => task !== undefined);
      const name = `foreign key ${keys.map((key) => key.name).join(', ')}`;
      this.#list.add(
        'constraints',
        `add ${name}`,
        keys.length * statementWeight,
        after,
        (loader, worker) => loader.runEach(worker, statements, name),
        oneKeyAtATime,
        true,
      );
    }
  }

  /**
   * Each partition's first, several at a time; then the partitioned table's, which takes equal ones that are validated
   * for its own shares and looks at no row (tablecmds.c, tryAttachPartitionForeignKey).
   */
  #addPartitioned(key: ForeignKey): void {
    const partitioned = this.#partitioned.get(key.table);
    const { stands } = this.#standing;
    const to = stands.get(key.references);
    if (!partitioned || partitioned.partitionOf !== null || !to || !key.validated) return;
    const shares = (key.partitions ?? []).flatMap(({ table, name }) => {
      const [leaf, from] = [this.#tables.get(table), stands.get(table)];
      return leaf && from ? this.#addChecked({ ...key, name }, leaf, [from, to]) : [];
    });
    if (shares.length === 0) return;
    this.built.add(key.oid);
    const name = `add foreign key ${key.name} of ${display(partitioned)}`;
    const statement = addForeignKey(key, partitioned, true);
    this.#list.statement('constraints', name, statement, statementWeight, shares, oneKeyAtATime);
  }

  /** Returns the task after which the key is as it is in production. */
  #addChecked(key: ForeignKey, table: Table, stand: readonly Task<Worker>[]): Task<Worker> {
    const name = `foreign key ${key.name} of ${display(table)}`;
    const add = addForeignKey(key, table);
    // The statement itself takes a moment.
    const added = this.#list.statement('constraints', `add ${name}`, add, 0, stand, oneKeyAtATime);
    if (!key.validated) return added;
    // Two validations of one table would wait for each other and keep a worker idle.
    const weight = table.bytes * validateWeight;
    const validate = validateForeignKey(key, table);
    const alone = `validate ${table.oid}`;
    return this.#list.statement('validate', `validate ${name}`, validate, weight, [added], alone);
  }
}

/** Two at once could each wait for the other's table. */
const oneKeyAtATime = 'add foreign key';
