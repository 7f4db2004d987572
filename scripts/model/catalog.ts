import type { TableRef } from './table.ts';

/**
 * What a partition has of its partitioned table's foreign key, or a key has of one partition that it refers to. PostgreSQL
 * makes and names it by itself, counting up where a name is taken, and no dump tells what it is called.
 */
export interface KeyShare {
  /** Schema and name, quoted where needed, as are the others. */
  readonly table: string;
  readonly references: string;
  /** The key that somebody has made: its table and its name. */
  readonly of: string;
  readonly name: string;
}

/** What the engine knows of a database, read in one snapshot. Sizes in bytes. */
export interface Catalog {
  readonly tables: readonly Table[];
  readonly indexes: readonly Index[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly sequences: readonly Sequence[];
  readonly extensions: readonly Extension[];
  /** Oids of partitioned tables' indexes and of the constraints on them. */
  readonly partitionedIndexes: readonly number[];
  /** Oids, in order. */
  readonly largeObjects: readonly number[];
  /** Those that don't get their name by themselves. Older artifacts don't say. */
  readonly shares?: readonly KeyShare[];
  /** What is UNLOGGED, of a production that is a replica. Older artifacts don't say. */
  readonly fleeting?: readonly Fleeting[];
}

/** A table or sequence without content. */
export interface Fleeting extends TableRef {
  readonly oid: number;
  /** pg_class.relkind */
  readonly kind: 'r' | 'S';
}

export interface Table extends TableRef {
  readonly oid: number;
  /** pg_class.relkind: ordinary, partitioned, materialized view, foreign table. */
  readonly kind: 'r' | 'p' | 'm' | 'f';
  readonly persistence: 'p' | 'u';
  /** Columns that COPY carries, in attnum order: neither dropped nor generated. */
  readonly columns: readonly string[];
  /** pg_table_size: heap, TOAST, maps. */
  readonly bytes: number;
  /** Blocks of the main fork; rows lie in ctid (0,1) to (pages-1, n). */
  readonly pages: number;
  /** Whether rows may be read by ctid ranges: a heap that is not foreign or partitioned. */
  readonly heap: boolean;
  /** Whether COPY's binary format means the same in another database: no type whose binary form holds an oid. */
  readonly portableBinary: boolean;
  /** Oid of the partitioned table that this one is a partition of; null for others. */
  readonly partitionOf: number | null;
  /**
   * Whether a foreign table is among its partitions or children: ANALYZE would ask that table's server. Old artifacts lack
   * it.
   */
  readonly aboveForeign?: boolean;
  /** For materialized views: whether production's is populated. */
  readonly populated: boolean;
  /** Hash partitions keyed by a type whose hash is an oid's have to be loaded through their root. */
  readonly loadThrough: TableRef | null;
  /** What COPY carries its rows in where that is not UTF8: the database's own encoding, so nothing is converted. */
  readonly encoding: string | null;
  /** The condition of an extension's configuration table (pg_extension.extcondition), `''` for all rows; null for others. */
  readonly configuration: string | null;
}

export interface Index {
  readonly oid: number;
  readonly table: number;
  readonly name: string;
  readonly schema: string;
  /** pg_get_indexdef: the whole CREATE INDEX statement. */
  readonly definition: string;
  /** pg_relation_size in production: what tells best how long it takes to build. */
  readonly bytes: number;
  /** Access method: btree, gin, gist … */
  readonly method: string;
  /** The constraint that this index backs, if one does. */
  readonly constraint: IndexConstraint | null;
  /** ALTER statements for what CREATE INDEX can't say: CLUSTER ON, REPLICA IDENTITY, statistics targets. */
  readonly marks: readonly string[];
}

export interface IndexConstraint {
  readonly oid: number;
  readonly name: string;
  readonly kind: 'p' | 'u' | 'x';
  /** In the key's order. */
  readonly columns: readonly string[];
  /** pg_get_constraintdef, for the kinds that can't take a ready-made index. */
  readonly definition: string;
  readonly deferrable: boolean;
  readonly deferred: boolean;
}

export interface ForeignKey {
  readonly oid: number;
  readonly name: string;
  readonly table: number;
  readonly references: number;
  /** pg_get_constraintdef, which ends in NOT VALID where production has not validated it. */
  readonly definition: string;
  readonly validated: boolean;
  /** Of a partitioned table's key: the partitions that hold rows, and what it is called there. Old artifacts lack it. */
  readonly partitions?: readonly { readonly table: number; readonly name: string }[];
}

export interface Sequence extends TableRef {
  readonly oid: number;
  readonly lastValue: string;
  readonly isCalled: boolean;
  /** Whether it is one of an extension's, whose position users change. */
  readonly configuration?: boolean;
}

export interface Extension {
  readonly name: string;
  readonly version: string;
  readonly schema: string;
}
