import { setTimeout as sleep } from 'node:timers/promises';
import { RefreshError } from '../model/errors.ts';
import type { StagingRun } from '../model/run.ts';
import { openMaintenanceSession } from './run-lock.ts';
import type { Session } from './session.ts';

/** A transaction of ours in staging whose connection was lost before its end was told. */
export interface LostTransaction {
  /** Its xid8. */
  readonly xid: string;
  /** Whether the server is asked to end it if it still works on it; else it is left to come to its own end. */
  readonly end: boolean;
  /**
   * What only the transaction can have done, as a second witness: a crash forgets an xid whose records were not on disk
   * yet, and gives the number to somebody else.
   */
  readonly isDone?: (session: Session) => Promise<boolean>;
}

/** A server that restarts or changes places with its standby is back by then, or the fate stays unknown. */
const patienceMs = 60_000;
const betweenQuestionsMs = 500;
const questionMs = 10_000;

/**
 * Asks the server, on new connections and again and again, what became of the transaction.
 *
 * @param refusal what is thrown if it was rolled back.
 * @throws RefreshError `refusal`; `publish-unknown` if the server didn't tell within `patience` ms.
 */
export async function requireCommitted(
  run: StagingRun,
  transaction: LostTransaction,
  refusal: RefreshError,
  patience = patienceMs,
): Promise<void> {
  const since = performance.now();
  let last: unknown = refusal;
  for (;;) {
    const left = patience - (performance.now() - since);
    if (left <= 0) break;
    try {
      const fate = await ask(run, transaction, Math.min(left, questionMs));
      if (fate === 'committed') {
        run.log.warn('the answer to COMMIT was lost; the server says that it was carried out');
        return;
      }
      if (fate === 'aborted') throw refusal;
    } catch (error) {
      if (error === refusal) throw error;
      last = error;
    }
    await sleep(betweenQuestionsMs);
  }
  throw new RefreshError('publish-unknown', 'the answer to COMMIT was lost, and the server does not tell', {
    object: run.config.staging.database,
    hint: `staging is whole, old or new: select pg_xact_status('${transaction.xid}'::xid8); on its server says which`,
    cause: last,
  });
}

/** Without the run's signal: what ended the run must not keep this from being answered. */
async function ask(
  run: StagingRun,
  transaction: LostTransaction,
  milliseconds: number,
): Promise<'committed' | 'aborted' | undefined> {
  await using session = await openMaintenanceSession(run.config.staging, {
    side: 'staging',
    applicationName: `staging-refresh ${run.id}`,
    signal: AbortSignal.timeout(milliseconds),
  });
  const status = await statusOf(session, transaction.xid);
  if (status === 'in progress' && transaction.end) await end(session, transaction.xid);
  if (status === 'aborted') return 'aborted';
  if (status !== 'committed') return undefined;
  // A statement of its own: its snapshot has to be younger than the answer above.
  return (await transaction.isDone?.(session)) === false ? 'aborted' : 'committed';
}

async function statusOf(session: Session, xid: string): Promise<string | null> {
  const { standby } = await session.row<{ standby: boolean }>(
    'select pg_catalog.pg_is_in_recovery() as standby',
  );
  // It may not have heard of it yet.
  if (standby) return null;
  try {
    const { status } = await session.row<{ status: string | null }>(
      'select pg_catalog.pg_xact_status($1::xid8) as status',
      [xid],
    );
    return status;
  } catch (error) {
    // "transaction ID … is in the future": after a crash or a failover the server has never heard of it.
    if (error instanceof RefreshError && error.message.includes('SQLSTATE 22023')) return 'aborted';
    throw error;
  }
}

async function end(session: Session, xid: string): Promise<void> {
  await session.rows(
    `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
      where backend_xid = $1::xid8::xid`,
    [xid],
  );
}
