import { formatMarker } from '../../model/database-name.ts';
import { asError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import { ident, literal } from '../../model/table.ts';
import { listMarked } from '../../postgres/beside.ts';
import type { LoneTransaction } from '../../postgres/lone-transaction.ts';
import type { Session } from '../../postgres/session.ts';

/**
 * Notes on the databases of earlier swaps that staging was refreshed in place since: they are not what was there before
 * this refresh, and a rollback to the newest of them would go back further than it seems.
 *
 * @param artifact file name of staging's own backup; null where there is none.
 */
export async function markOvertaken(
  run: Run,
  transaction: LoneTransaction,
  maintenance: Session,
  artifact: string | null,
): Promise<void> {
  const overtaken = { run: run.id, at: run.startedAt.toISOString(), artifact };
  await using session = await transaction.borrow();
  for (const { name, marker } of await listMarked(maintenance, run.config.staging.database, 'previous')) {
    if (!marker) continue;
    const comment = formatMarker({ ...marker, overtaken });
    await session
      .attempt(`comment on database ${ident(name)} is ${literal(comment)}`)
      .catch((cause: unknown) => {
        const why = asError(cause).message;
        run.log.warn(`${name} is from before an earlier refresh, which can’t be noted on it: ${why}`);
      });
  }
}
