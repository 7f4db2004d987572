import { setTimeout as sleep } from 'node:timers/promises';
import { RefreshError } from '../model/errors.ts';
import { applicationOf, type StagingRun } from '../model/run.ts';
import { openMaintenanceSession } from './run-lock.ts';
import { openSession, type Session } from './session.ts';

/** A transaction of ours in staging whose connection was lost before its end was told. */
export interface LostTransaction {
  /** Its xid8. */
  readonly xid: string;
  /** Whether the server is asked to end it if it still works on it; else it is left to come to its own end. */
  readonly end: boolean;
  /**
   * Asked as well: a crash forgets an xid whose records were not on disk yet, a standby that takes over never heard of
   * those that had not arrived, and either gives the number to somebody else.
   */
  readonly witness?: Witness | undefined;
}

/** What only one transaction of ours can have done. */
export interface Witness {
  /** Where it is seen; the maintenance database if undefined. */
  readonly database?: string;
  /** An expression: true once it is done. */
  readonly sql: string;
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
    hint: `staging is whole, old or new. Its server says which: ${questionsFor(transaction)}`,
    cause: last,
  });
}

/**
 * To be asked where the session that published has been lost since: a standby that takes over without having heard of
 * the transaction has staging as it was before, whatever its primary had said.
 *
 * @throws RefreshError `publish-undone`; `host-unreachable` and the like if nobody answered within `patience` ms.
 */
export async function requireStillDone(
  run: StagingRun,
  witness: Witness,
  patience = patienceMs,
): Promise<void> {
  const since = performance.now();
  for (;;) {
    const left = patience - (performance.now() - since);
    try {
      const milliseconds = Math.ceil(Math.max(1, Math.min(left, questionMs)));
      await using session = await openAnew(run, AbortSignal.timeout(milliseconds));
      // A standby may not have heard of it yet.
      if (!(await isStandby(session))) {
        if (await isDone(run, session, witness, AbortSignal.timeout(questionMs))) return;
        break;
      }
    } catch (error) {
      if (left <= 0) throw error;
    }
    await sleep(betweenQuestionsMs);
  }
  throw new RefreshError('publish-undone', 'staging was published, and its server has gone back since', {
    object: run.config.staging.database,
    hint: 'a standby took over that had not heard of it: staging is whole and as it was before; run it again',
  });
}

function questionsFor({ xid, witness }: LostTransaction): string {
  const status = `select pg_xact_status('${xid}'::xid8);`;
  if (!witness) return status;
  const where = witness.database === undefined ? '' : ` in ${witness.database}`;
  return `select ${witness.sql};${where} is true for new, unless ${status} is still in progress`;
}

async function ask(
  run: StagingRun,
  transaction: LostTransaction,
  milliseconds: number,
): Promise<'committed' | 'aborted' | undefined> {
  const signal = AbortSignal.timeout(Math.ceil(milliseconds));
  await using session = await openAnew(run, signal);
  const status = await statusOf(session, transaction.xid);
  if (status === 'in progress' && transaction.end) await end(session, transaction.xid);
  if (status === 'aborted') return 'aborted';
  if (status !== 'committed') return undefined;
  const { witness } = transaction;
  return !witness || (await isDone(run, session, witness, signal)) ? 'committed' : 'aborted';
}

/** Without the run’s signal: what ended the run must not keep this from being answered. */
function openAnew(run: StagingRun, signal: AbortSignal): Promise<Session> {
  return openMaintenanceSession(run.config.staging, { ...asking(run), signal });
}

function asking(run: StagingRun): { side: 'staging'; applicationName: string } {
  return { side: 'staging', applicationName: applicationOf(run) };
}

/** A statement of its own: its snapshot has to be younger than what was asked before. */
async function isDone(
  run: StagingRun,
  maintenance: Session,
  { database, sql }: Witness,
  signal: AbortSignal,
): Promise<boolean> {
  const question = `select ${sql} as done`;
  if (database === undefined) return (await maintenance.row<{ done: boolean }>(question)).done;
  await using session = await openSession(run.config.staging, { ...asking(run), database, signal });
  return (await session.row<{ done: boolean }>(question)).done;
}

async function isStandby(session: Session): Promise<boolean> {
  return (await session.row<{ standby: boolean }>('select pg_catalog.pg_is_in_recovery() as standby'))
    .standby;
}

async function statusOf(session: Session, xid: string): Promise<string | null> {
  // It may not have heard of it yet.
  if (await isStandby(session)) return null;
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
