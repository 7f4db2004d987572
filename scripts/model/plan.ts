import type { Catalog, ForeignKey, Table } from './catalog.ts';
import type { BeforePublish, Treatment } from './policy.ts';
import type { TableRef } from './table.ts';

/** With more of them what is known of each counts in the process's memory. */
export const manyTables = 2000;

/** What a run will do, computed before a byte is written. */
export interface Plan {
  readonly catalog: Catalog;
  /** Tables whose rows are copied, largest first. */
  readonly tables: readonly PlannedTable[];
  /** Sum of the tables' bytes. */
  readonly bytes: number;
  /** Objects that a role without superuser rights can't make in staging, and why each is left out. */
  readonly leftOut: readonly LeftOut[];
  /** What the data policy asks for beside the tables' own; null where there is no policy. */
  readonly policy: PolicyPlan | null;
}

export interface PolicyPlan {
  /** Folder in which the policy's SQL files lie. */
  readonly folder: string;
  readonly exclusion: Exclusion;
  readonly preserved: readonly PreservedTable[];
  /** Keys from and to preserved tables: made and checked when staging's own rows are there. */
  readonly laterKeys: readonly LaterKey[];
  readonly beforePublish: BeforePublish;
}

/** What is not made in staging at all: the tables that the policy names and what can't be without them. */
export interface Exclusion {
  /** Tables, views and the like. */
  readonly relations: readonly TableRef[];
  /** All of it, as `oid of its system catalog/oid`. */
  readonly objects: ReadonlySet<string>;
  /** Constraints among it, as postgres/catalog.ts names them. */
  readonly constraints: ReadonlySet<string>;
  /** For people: each object and why it goes. */
  readonly leftOut: readonly LeftOut[];
}

/** Rows that are carried over from the staging of today. */
export interface PreservedTable {
  readonly table: Table;
  /** SQL condition on staging's rows. */
  readonly rows: string;
  /** Whether all of the table's rows are staging's; else they join production's. */
  readonly whole: boolean;
  /** Columns of the primary key, by which a row that is on both sides is known; none where there is no such key. */
  readonly key: readonly string[];
}

export interface LaterKey {
  readonly key: ForeignKey;
  readonly table: TableRef;
  /** As postgres/catalog.ts names it: `NAME of TABLE`. */
  readonly constraint: string;
}

/** What a masked column is proved by. */
export interface MaskedColumn {
  readonly column: string;
  readonly mask: string;
  /** Whether each element of its values is masked by itself. */
  readonly array: boolean;
  /** `never`: one row whose masked value is the clear one is a failure. */
  readonly equality: 'never' | 'by-chance';
  /** Regular expression that every masked value has to match; null where there is none. */
  readonly shape: string | null;
  /** SQL condition under which a row's value is masked; null for all rows. */
  readonly when: string | null;
}

/** Rows that the policy leaves out of one table, and through what. */
export interface RowsLeftOut {
  readonly rows: number;
  readonly through: readonly { readonly condition: string; readonly rows: number }[];
}

export interface PlannedTable {
  readonly table: Table;
  readonly parts: readonly Part[];
  /** SQL expressions in place of columns: what production sends instead of the clear value. */
  readonly masks: ReadonlyMap<string, string>;
  /** SQL condition on production's rows: only these are copied; null for all. */
  readonly where: string | null;
  /** SQL condition on the rows of the next database that came from there: an extension's own are not among them. */
  readonly whereInStaging: string | null;
  readonly treatment: Exclude<Treatment, 'exclude'>;
  readonly masked: readonly MaskedColumn[];
  /** What the policy leaves out of it; null where it has no say. */
  readonly rowsLeftOut: RowsLeftOut | null;
  /** Which rows and references stay, apart from masks and conditions of extensions; absent where all do. */
  readonly subset?: RowSubset;
}

export interface RowSubset {
  /** SQL condition on the rows that stay; null for all. */
  readonly where: string | null;
  /** Columns that lose a reference, and the condition under which they keep it. */
  readonly setNull: ReadonlyMap<string, string>;
  /** The masks without those conditions. */
  readonly masks: ReadonlyMap<string, string>;
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
