import type { ForeignKey } from '../../model/catalog.ts';
import type { PlannedTable } from '../../model/plan.ts';
import { inBatches } from '../../system/batches.ts';

/** Tables up to this size are loaded, indexed and analysed by one text of statements: one round trip for all of it. */
export const smallBytes = 4 * 1024 * 1024;

/** A table of that size, with the statements that it needs once its rows are there. */
export interface SmallTable {
  readonly planned: PlannedTable;
  /** Made when they are wanted: those of 10,000 tables are megabytes. */
  after(): readonly string[];
  readonly weight: number;
}

/** So many, and so much, that a round trip is little beside the work, and that no worker is left with all of it. */
const together = { tables: 25, bytes: 1024 * 1024, keys: 25 };

/** Divides them into those that one text may load, in their order. */
export function gatherTables(tables: readonly SmallTable[]): SmallTable[][] {
  const groups: SmallTable[][] = [];
  let bytes = 0;
  for (const table of tables) {
    const { bytes: more } = table.planned.table;
    const group = groups.at(-1);
    if (!group || group.length === together.tables || bytes + more > together.bytes) {
      groups.push([table]);
      bytes = more;
    } else {
      group.push(table);
      bytes += more;
    }
  }
  return groups;
}

export function gatherKeys(keys: readonly ForeignKey[]): ForeignKey[][] {
  return inBatches(keys, together.keys);
}
