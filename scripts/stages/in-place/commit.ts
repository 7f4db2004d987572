import { setTimeout as sleep } from 'node:timers/promises';
import { RefreshError } from '../../model/errors.ts';
import type { StagingRun } from '../../model/run.ts';
import type { LoneTransaction } from '../../postgres/lone-transaction.ts';
import { holdsRunLock, openMaintenanceSession } from '../../postgres/run-lock.ts';
import type { Session } from '../../postgres/session.ts';

/** A server that lost us in the middle of COMMIT may need a moment to end the transaction one way or the other. */
const questions = 60;
const betweenQuestionsMs = 500;

/**
 * Makes everything visible at once. If the answer to COMMIT is lost, the server is asked what became of the transaction.
 *
 * @throws RefreshError `publish-failed`, `lock-lost`: staging is as it was.
 */
export async function commitInPlace(
  run: StagingRun,
  transaction: LoneTransaction,
  maintenance: Session,
): Promise<void> {
  const live = run.config.staging.database;
  if (!(await holdsRunLock(maintenance, live))) {
    throw new RefreshError('lock-lost', 'the run’s lock is gone', {
      object: live,
      hint: 'its connection was ended: by a restart, a failover or an administrator; staging is as it was, run it again',
    });
  }
  try {
    await transaction.commit();
  } catch (cause) {
    if (!transaction.lost) throw publishError(live, cause);
    await requireCommitted(run, transaction.xid, cause);
  }
}

/** @throws RefreshError `publish-failed` unless the server says that the transaction was carried out. */
export async function requireCommitted(run: StagingRun, xid: string, cause: unknown): Promise<void> {
  const { staging } = run.config;
  for (let question = 1; question <= questions; question++) {
    const fate = await fateOf(run, xid).catch((error: unknown) => {
      if (question === questions) throw error;
      return 'unknown';
    });
    if (fate === 'committed') {
      run.log.warn('the answer to COMMIT was lost; the server says that it was carried out');
      return;
    }
    if (fate === 'aborted') throw publishError(staging.database, cause);
    await sleep(betweenQuestionsMs);
  }
  throw new RefreshError('publish-failed', 'the answer to COMMIT was lost, and the server does not tell', {
    object: staging.database,
    hint: `staging is whole, old or new: select pg_xact_status('${xid}'::xid8); on its server says which`,
    cause,
  });
}

/** Without the run's signal: what ended the run must not keep this from being answered. */
async function fateOf(run: StagingRun, xid: string): Promise<string | null> {
  await using session = await openMaintenanceSession(run.config.staging, {
    side: 'staging',
    applicationName: `staging-refresh ${run.id}`,
  });
  const { fate } = await session.row<{ fate: string | null }>(
    'select pg_catalog.pg_xact_status($1::xid8) as fate',
    [xid],
  );
  return fate;
}

function publishError(live: string, cause: unknown): RefreshError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RefreshError('publish-failed', why, {
    object: live,
    hint: 'staging is as it was; run it again',
    cause,
  });
}
