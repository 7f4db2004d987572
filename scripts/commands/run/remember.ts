import { asError } from '../../model/errors.ts';
import type { PastRun } from '../../model/history.ts';
import type { StagingRun } from '../../model/run.ts';
import { rememberRun } from '../../postgres/run-history.ts';
import type { Session } from '../../postgres/session.ts';

/** In staging itself: the machine that asks next may be another one. Staging is new already, so a failure only warns. */
export async function remember(
  run: StagingRun,
  maintenance: Session,
  live: string,
  past: PastRun,
): Promise<void> {
  try {
    await rememberRun(maintenance, live, past);
  } catch (cause) {
    const why = asError(cause).message;
    run.log.warn(`staging’s comment could not be written, so this run is not in its history: ${why}`);
  }
}
