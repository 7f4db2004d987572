import type { RefreshConfig } from '../model/config.ts';
import type { ForkRun, Run, StagingRun } from '../model/run.ts';
import type { ServerAddress } from '../model/server-address.ts';
import { LoneTransaction } from './lone-transaction.ts';
import { paddedKey } from './padded-key.ts';
import type { Spoken } from './server-tools.ts';
import { openSession, type Session, type SessionOptions, type Side } from './session.ts';
import { watchSession } from './stall.ts';

/** One state of production that every reader sees, for as long as the scope that made it lives. */
export interface Snapshot {
  /** As pg_export_snapshot() gave it: for readers and for `pg_dump --snapshot`. */
  readonly id: string;
  /** The exporting transaction: catalog queries run here. */
  readonly session: Session;
  /** A further connection that sees the same state. The caller closes it. */
  openReader(): Promise<Session>;
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
    applicationName: `staging-refresh ${run.id}`,
    ...(address
      ? { watch: (session, database) => watchSession(session, address, database, run.config.stallSeconds) }
      : {}),
  };
}

function addressOfProduction({ config }: StagingRun): ServerAddress | undefined {
  return 'production' in config ? (config as RefreshConfig).production : undefined;
}

/** With an empty search_path, values of types such as regclass come out qualified, as in pg_dump. */
export function openProduction(run: Run): Promise<Session> {
  return openSession(run.config.production, {
    ...sessionOptions(run, 'production'),
    settings: {
      search_path: '',
      // Somebody who waits for ACCESS EXCLUSIVE stands before us in the queue and behind our own ACCESS SHARE: without
      // a limit both would wait for ever, since the session that holds our lock waits for nothing.
      lock_timeout: `${run.config.lockWaitSeconds}s`,
      ...(run.config.policy ? policySettings : {}),
    },
    ...(run.config.maskKey ? { startup: paddedKey(run.config.maskKey) } : {}),
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
  settings: Readonly<Record<string, string>> = {},
): Promise<Session> {
  // Production's database may carry default_transaction_read_only, and then so does its copy.
  const writable = { default_transaction_read_only: 'off', lock_timeout: '0', ...settings };
  const transaction = transactionOf(run);
  if (transaction && database === run.config.staging.database) return await transaction.borrow(writable);
  return await openSession(run.config.staging, {
    ...sessionOptions(run, 'staging'),
    database,
    settings: writable,
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
    ...(run.config.maskKey ? { startup: paddedKey(run.config.maskKey) } : {}),
  });
}

/** For PostgreSQL's programs: their sessions have a name of their own, by which the watch finds them. */
export function spoken(run: StagingRun, address: ServerAddress, side: Side): Spoken {
  const { stallSeconds } = run.config;
  return { address, side, application: `staging-refresh ${run.id} program`, stallSeconds };
}
