import type { Part, PlannedTable } from '../../model/plan.ts';
import type { SmallTable } from './small-tables.ts';
import type { Worker } from './worker.ts';

/** What the graph asks of whoever carries its tasks out. */
export interface Loader {
  /** Whether tables get statistics. */
  readonly analyze: boolean;
  /** Loads one part of a table; `whole` when it is all of it. */
  copy(worker: Worker, planned: PlannedTable, part: Part, whole: boolean): Promise<void>;
  /** Loads small tables, each with the statements that follow its rows. */
  copyTables(worker: Worker, tables: readonly SmallTable[]): Promise<void>;
  /** Loads some large objects. */
  copyLargeObjects(worker: Worker, oids: readonly number[]): Promise<void>;
  /** Runs statements, each in a transaction of its own. */
  runEach(worker: Worker, statements: readonly string[], object: string): Promise<void>;
  /** Runs statements, the server's parallel workers left to others where `crowded`. */
  run(worker: Worker, statement: string, object: string, crowded: boolean): Promise<void>;
}
