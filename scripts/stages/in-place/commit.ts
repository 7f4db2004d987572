import { asError, RefreshError } from '../../model/errors.ts';
import type { StagingRun } from '../../model/run.ts';
import { requireCommitted, type Witness } from '../../postgres/fate.ts';
import type { LoneTransaction } from '../../postgres/lone-transaction.ts';
import { requireRunLock } from '../../postgres/run-lock.ts';
import type { Session } from '../../postgres/session.ts';

/**
 * Makes everything visible at once. If the answer to COMMIT is lost, the server is asked what became of the transaction.
 *
 * @throws RefreshError `publish-failed`, `lock-lost`: staging is as it was; `publish-unknown`.
 */
export async function commitInPlace(
  run: StagingRun,
  transaction: LoneTransaction,
  maintenance: Session,
): Promise<void> {
  const live = run.config.staging.database;
  await requireRunLock(maintenance, live);
  try {
    await transaction.commit();
  } catch (cause) {
    if (!transaction.lost) throw publishError(live, cause);
    // It ends by itself: COMMIT as soon as it is through, everything before it once the server looks for us.
    const lost = { xid: transaction.xid, end: false, witness: madeIn(live, transaction) };
    await requireCommitted(run, lost, publishError(live, cause));
  }
}

/** That the live database has what the transaction made. */
export function madeIn(live: string, { made }: LoneTransaction): Witness | undefined {
  if (made === undefined) return undefined;
  return { database: live, sql: `exists (select from pg_catalog.pg_class where oid = ${made})` };
}

function publishError(live: string, cause: unknown): RefreshError {
  const why = asError(cause).message;
  return new RefreshError('publish-failed', why, {
    object: live,
    hint: 'staging is as it was; run it again',
    cause,
  });
}
