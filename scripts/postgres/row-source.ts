import type { Part, PlannedTable } from '../model/plan.ts';
import type { Session } from './session.ts';

/** Where the rows of a database that is being built come from: production under its snapshot, or an artifact. */
export interface RowSource {
  /** For one worker alone. */
  open(): Promise<RowReader>;
}

/** COPY's FORMAT. */
export type CopyFormat = 'text' | 'binary';

export interface RowReader {
  /** In what form this table's rows come. */
  formatOf(planned: PlannedTable): CopyFormat;
  /** Feeds one part of a table to the target's COPY. */
  copyRows(planned: PlannedTable, part: Part, into: CopyInto): Promise<Copied>;
  /** The same for whole tables, one after the other, in one text of statements. */
  copyTables(tables: readonly PlannedTable[], into: CopyTablesInto): Promise<void>;
  /** Feeds pages of these large objects: see postgres/large-objects.ts. */
  copyLargeObjects(oids: readonly number[], into: CopyInto): Promise<Copied>;
  close(): Promise<void>;
  /** After a failure a connection may be in the middle of a COPY, where no goodbye is understood. */
  destroy(): void;
}

export interface CopyInto {
  readonly target: Session;
  /** `COPY table (columns) FROM STDIN`, alone or among other statements. */
  readonly copyIn: string;
  /** What is copied, for errors. */
  readonly object: string;
  /** Told of bytes as they pass. */
  readonly onBytes: (bytes: number) => void;
}

export interface CopyTablesInto extends CopyInto {
  /** What each table is called in errors. */
  readonly objects: readonly string[];
  /** Told of each table that is done, in their order. */
  readonly onCopied: (copied: Copied) => void;
}

export interface Copied {
  /** Rows as the target's COPY counted them. */
  readonly rows: number;
  /** Bytes of COPY data. */
  readonly bytes: number;
}
