import type { RefreshConfig } from '../model/config.ts';
import { asError } from '../model/errors.ts';
import { applicationOf, type ForkRun, type Run, type StagingRun } from '../model/run.ts';
import { describeAddress, type ServerAddress } from '../model/server-address.ts';
import type { Side } from '../model/servers.ts';
import { handOn, openAhead, takeOrOpen } from './ahead.ts';
import { applySettings } from './house-settings.ts';
import { LoneTransaction } from './lone-transaction.ts';
import { paddedKey } from './padded-key.ts';
import { openMaintenanceSession } from './run-lock.ts';
import type { Spoken } from './server-tools.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';
import { watchSession } from './stall.ts';
import type { Settings } from './startup.ts';

/** One state of production that every reader sees, for as long as the scope that made it lives. */
export interface Snapshot {
  /** As pg_export_snapshot() gave it: for readers and for `pg_dump --snapshot`. */
  readonly id: string;
  /** The exporting transaction: catalog queries run here. */
  readonly session: Session;
  /** Statements that begin a transaction of another session which sees the same state. */
  readonly begin: string;
  /** How many tables it has, ordinary and partitioned ones. */
  readonly tables: number;
  /** Whether something that it shows is defined otherwise by now, or is gone: see stages/snapshot/moved.ts. */
  moved(): Promise<boolean>;
  /** A further connection that sees it, and reads rows as the policy has them. The caller closes it. */
  openReader(): Promise<Session>;
  /** Begins to open some. */
  expectReaders(count: number): void;
  /** Takes one back, as it came: whoever opens one next gets it. */
  giveBack(reader: Session): void;
}

/** How a run's sessions call themselves, and what ends them. */
export function sessionOptions(run: StagingRun, side: Side): SessionOptions {
  return { ...lastSessionOptions(run, side), signal: run.signal };
}

/** The same for what has to be asked or cleaned up when the run has been ended already. */
export function lastSessionOptions(run: StagingRun, side: Side): SessionOptions {
  const address = side === 'staging' ? run.config.staging : addressOfProduction(run);
  return {
    side,
    applicationName: applicationOf(run),
    ...(address
      ? { watch: (session, database) => watchSession(session, address, database, run.config.stallSeconds) }
      : {}),
  };
}

function addressOfProduction({ config }: StagingRun): ServerAddress | undefined {
  return 'production' in config ? (config as RefreshConfig).production : undefined;
}

/** What a session to production is for: only one that reads rows has the key of the masks. */
export type Reading = 'catalog' | 'rows';

/** With an empty search_path, values of types such as regclass come out qualified, as in pg_dump. */
export function openProduction(
  run: Run,
  settings: Settings = {},
  reading: Reading = 'catalog',
): Promise<Session> {
  const what = forProduction(run, settings, reading);
  return takeOrOpen(run.signal, what, () => newProduction(run, settings, reading));
}

/** Begins to open connections that `openProduction` gives out. */
export function expectProduction(
  run: Run,
  count: number,
  settings: Settings = {},
  reading: Reading = 'catalog',
): void {
  const what = forProduction(run, settings, reading);
  openAhead(run.signal, what, count, () => newProduction(run, settings, reading));
}

/** Is done with one without settings of its own: the next such session is it. */
export function handOnProduction(run: Run, session: Session): void {
  handOn(run.signal, forProduction(run, {}, 'catalog'), session);
}

/** A backup of staging reads it as if it were production. */
const forProduction = ({ config }: Run, settings: Settings, reading: Reading) =>
  JSON.stringify(['production', describeAddress(config.production), settings, reading]);

function newProduction(run: Run, settings: Settings, reading: Reading): Promise<Session> {
  return openSession(run.config.production, {
    ...sessionOptions(run, 'production'),
    settings: {
      search_path: '',
      // Somebody who waits for ACCESS EXCLUSIVE stands before us in the queue and behind our own ACCESS SHARE: without
      // a limit both would wait for ever, since the session that holds our lock waits for nothing.
      lock_timeout: `${run.config.lockWaitSeconds}s`,
      ...(run.config.policy ? policySettings : {}),
      ...settings,
    },
    readsRows: true,
    ...(run.config.maskKey && reading === 'rows' ? { startup: paddedKey(run.config.maskKey) } : {}),
  });
}

/**
 * Rows that a policy leaves out are looked up in a hash table, which has to fit. Three keys away from a condition, with a
 * circle between, the planner took a nested loop: minutes for 90,000 rows in place of a second. All rows are asked for,
 * so hashing is right; the cost that stands for "don't" would set the JIT compiler to work on every query.
 */
const policySettings = { work_mem: '64MB', enable_nestloop: 'off', jit: 'off' };

/** The run as stages see it that build the copy in the live database: all that they do is in this transaction. */
export type RunInPlace = Run & { readonly transaction: LoneTransaction };

/** The one transaction of a run in place; undefined for every other run. */
export function transactionOf(run: StagingRun): LoneTransaction | undefined {
  return 'transaction' in run && run.transaction instanceof LoneTransaction ? run.transaction : undefined;
}

/** A session in one of staging's databases: of a run in place the one that it has, which everybody gives back. */
export async function openStaging(
  run: StagingRun,
  database: string,
  settings: Settings = {},
): Promise<Session> {
  const transaction = transactionIn(run, database);
  if (transaction) return await transaction.borrow({ ...writable, ...settings });
  return await takeOrOpen(run.signal, forStaging(database, settings), () =>
    newStaging(run, database, settings),
  );
}

/** Begins to open connections that `openStaging` gives out for the same database and settings. */
export function expectStaging(run: StagingRun, database: string, settings: Settings = {}, count = 1): void {
  if (transactionIn(run, database)) return;
  openAhead(run.signal, forStaging(database, settings), count, () => newStaging(run, database, settings));
}

/**
 * Is done with one: who opens one with these settings next gets it, without the six round trips of a new connection.
 * Settings that it began with and that are not among these stay.
 */
export async function handOnStaging(
  run: StagingRun,
  database: string,
  session: Session,
  settings: Settings = {},
): Promise<void> {
  if (session.inTransaction) return await session.close();
  const set = Promise.all([session.run('reset all'), applySettings(session, { ...writable, ...settings })]);
  // Whoever takes it waits for no answer to this.
  set.catch((error: unknown) => session.giveUp(asError(error)));
  handOn(run.signal, forStaging(database, settings), session);
}

/** Of sessions that read catalogs and give objects away. */
export const catalogSettings: Settings = { search_path: '', synchronous_commit: 'off' };

/** Of the session that pg_dump is lent, on top of the house's: it writes amounts of money as the database does. */
export const dumpSettings: Settings = { search_path: '', lc_monetary: null };

/** A session in staging's maintenance database. */
export function openMaintenance(run: StagingRun): Promise<Session> {
  return takeOrOpen(run.signal, maintenanceAhead, () => newMaintenance(run));
}

/** What such a session is opened ahead for. */
export const maintenanceAhead = 'maintenance';

export function expectMaintenance(run: StagingRun): void {
  openAhead(run.signal, maintenanceAhead, 1, () => newMaintenance(run));
}

function newMaintenance(run: StagingRun): Promise<Session> {
  return openMaintenanceSession(run.config.staging, {
    ...sessionOptions(run, 'staging'),
    settings: writable,
  });
}

const forStaging = (database: string, settings: Settings) => JSON.stringify([database, settings]);

// Production's database may carry default_transaction_read_only, and then so does its copy; our role may, too.
const writable = { default_transaction_read_only: 'off', lock_timeout: '0' };

function transactionIn(run: StagingRun, database: string): LoneTransaction | undefined {
  return database === run.config.staging.database ? transactionOf(run) : undefined;
}

function newStaging(run: StagingRun, database: string, settings: Settings): Promise<Session> {
  return openSession(run.config.staging, {
    ...sessionOptions(run, 'staging'),
    database,
    settings: { ...writable, ...settings },
  });
}

/** The staging that is in use while its successor is treated: only read. */
export async function openPrevious(run: ForkRun, previous: ServerAddress): Promise<Session> {
  return await openSession(previous, {
    ...sessionOptions({ ...run, config: { ...run.config, staging: previous } }, 'staging'),
    settings: { search_path: '', default_transaction_read_only: 'on' },
  });
}

/** A session that treats the fork's rows: it has the masks' key, as production's sessions of a copy have it. */
export async function openFork(
  run: ForkRun,
  settings: Readonly<Record<string, string>> = {},
): Promise<Session> {
  return await openSession(run.config.staging, {
    ...sessionOptions(run, 'staging'),
    settings: {
      search_path: '',
      default_transaction_read_only: 'off',
      lock_timeout: '0',
      ...policySettings,
      maintenance_work_mem: '256MB',
      ...settings,
    },
    readsRows: true,
    ...(run.config.maskKey ? { startup: paddedKey(run.config.maskKey) } : {}),
  });
}

/** For PostgreSQL's programs: their sessions have a name of their own, by which the watch finds them. */
export function spoken(run: StagingRun, address: ServerAddress, side: Side): Spoken {
  const { stallSeconds } = run.config;
  return { address, side, application: `${applicationOf(run)} program`, stallSeconds };
}
