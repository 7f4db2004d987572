import type { ForkConfig, RefreshConfig, StagingConfig } from './config.ts';

/** How far a long phase is. */
export interface Progress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'steps';
  /** Rows that have arrived. */
  readonly rows?: number;
  /** What is being done at this moment, one name a worker. */
  readonly underWay?: readonly string[];
  /** Of all of the phase's work, index builds among it: the share that is done, from 0 to 1, and how long the rest takes. */
  readonly forecast?: { readonly share: number; readonly secondsLeft: number };
}

/** Where the engine says what it does; everything goes to stderr. */
export interface Log {
  /** A new phase begins. */
  phase(name: string): void;
  info(line: string): void;
  /** What only who asked for all of it wants to read; a log without it has nobody who did. */
  detail?(line: string): void;
  /** Something that an operator should look at; also kept for the report. */
  warn(line: string): void;
  /** A function is asked as often as something is shown, until the phase ends. */
  progress(progress: Progress | (() => Progress)): void;
  readonly warnings: readonly string[];
}

/** What every stage of one run knows. */
export interface Run<Config extends StagingConfig = RefreshConfig> {
  readonly id: string;
  readonly startedAt: Date;
  readonly config: Config;
  readonly log: Log;
  /** Fires when the run has to end: Ctrl-C, a lost lock, a brake. Its reason is the RefreshError to report. */
  readonly signal: AbortSignal;
  /** Ends the run from wherever it is; the first reason counts. */
  readonly abort: (reason: Error) => void;
  /** Folder of this run alone, mode 0700, removed at the end. */
  readonly temporary: string;
}

/** What every session of a run is called in `pg_stat_activity`; some have more words behind it. */
export function applicationOf({ id }: Pick<Run<StagingConfig>, 'id'>): string {
  return `staging-refresh ${id}`;
}

/** A run of which production is no part, and what every other run is too. */
export type StagingRun = Run<StagingConfig>;

/** A run that treats a fork of production where it is. */
export type ForkRun = Run<ForkConfig>;
