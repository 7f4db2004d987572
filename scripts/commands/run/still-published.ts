import { tellsFate } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import { requireStillDone, type Witness } from '../../postgres/fate.ts';
import type { Session } from '../../postgres/session.ts';
import { afterPublish } from './ending.ts';
import type { Outcome } from './outcome.ts';

/**
 * Once what follows publishing is over: if the session that published is gone by then, so may be what it published.
 *
 * @throws RefreshError `publish-undone`, and the outcome is that nothing was published; `published-with-failures` if
 * nobody answers.
 */
export async function requireStillPublished(
  run: Run,
  outcome: Outcome,
  maintenance: Session,
  witness: Witness | undefined,
): Promise<void> {
  if (!maintenance.lost || !witness) return;
  try {
    await requireStillDone(run, witness);
  } catch (error) {
    if (!tellsFate(error)) {
      const failing = `its server does not answer any more: select ${witness.sql}; asks whether it still is`;
      throw afterPublish(failing, run.config.staging.database, error);
    }
    outcome.published = undefined;
    throw error;
  }
}
