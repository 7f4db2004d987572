import type { Catalog, Table } from './catalog.ts';

/** What a run will do, computed before a byte is written. */
export interface Plan {
  readonly catalog: Catalog;
  /** Tables whose rows are copied, largest first. */
  readonly tables: readonly PlannedTable[];
  /** Sum of the tables' bytes. */
  readonly bytes: number;
  /** Objects that a role without superuser rights can't make in staging, and why each is left out. */
  readonly leftOut: readonly LeftOut[];
}

export interface PlannedTable {
  readonly table: Table;
  readonly parts: readonly Part[];
  /** SQL expressions in place of columns: what production sends instead of the clear value. */
  readonly masks: ReadonlyMap<string, string>;
  /** SQL condition on production's rows: only these are copied; null for all. */
  readonly where: string | null;
}

/** A range of heap blocks: `from` inclusive, `to` exclusive; null leaves that end open. */
export interface Part {
  readonly from: number | null;
  readonly to: number | null;
  readonly bytes: number;
}

export interface LeftOut {
  readonly object: string;
  readonly reason: string;
}
