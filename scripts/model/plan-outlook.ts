import type { Plan } from './plan.ts';

/** What a plan says beyond the plan itself: problems first, then how long and how much room. */
export interface Outlook {
  /** What an operator should look at before a run. */
  readonly problems: readonly Problem[];
  /** Rows that production's statistics tell of each table, by oid; a table without statistics is missing. */
  readonly rows: ReadonlyMap<number, number>;
  /** Tables, schemas and the like that only staging has, in words; `''` where there are none. */
  readonly lost: string;
  readonly time: TimeEstimate;
  readonly disk: DiskEstimate;
}

export interface Problem {
  readonly message: string;
  readonly hint?: string;
}

export interface TimeEstimate {
  readonly seconds: number;
  /** In words: the last run, or a guess from sizes. */
  readonly basis: string;
}

/** Bytes on staging's disk while a run lasts. */
export interface DiskEstimate {
  readonly live: number;
  /** The next database: production's size is the most that it can take. */
  readonly next: number;
  /** Backup file on this machine; null where none is made. */
  readonly artifact: number | null;
}

/** Tables, indexes and foreign keys on two cores of today, measured with docs/performance.md: a guess, called one. */
const guessedBytesPerSecond = 50e6;
const guessedSecondsAnyway = 2;

/** @param bytes of tables and their indexes. */
export function guessSeconds(bytes: number): number {
  return guessedSecondsAnyway + bytes / guessedBytesPerSecond;
}

/** Without an earlier run: what the sizes let expect. */
export function guessTime(plan: Plan): TimeEstimate {
  const bytes = plan.bytes + plan.catalog.indexes.reduce((sum, index) => sum + index.bytes, 0);
  return {
    seconds: guessSeconds(bytes),
    basis: 'a guess from sizes: no earlier run is known',
  };
}
