import type { StagingRun } from '../../model/run.ts';
import { type BesideDatabase, dropBeside } from '../../postgres/beside.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';

/**
 * Removes what a run that died has left: databases marked as `next` of this one, and an empty one that died between
 * CREATE DATABASE and its mark. Only the holder of the run's lock may call this, so no living run owns them. Anything
 * else without our mark is somebody else's and stays.
 *
 * @param beside as the holder of the lock has listed them.
 */
export async function removeLeftovers(
  run: StagingRun,
  maintenance: Session,
  beside: readonly BesideDatabase[],
): Promise<void> {
  for (const database of beside) {
    if (database.marker?.kind === 'next' || (!database.marker && (await isEmptyNext(run, database)))) {
      await dropBeside(maintenance, database.name);
      run.log.warn(`removed ${database.name}, left by a run that did not end`);
    } else if (!database.marker) {
      run.log.warn(
        `${database.name} looks like one of ours but has no mark: it stays, drop it if nobody needs it`,
      );
    }
  }
}

async function isEmptyNext(run: StagingRun, database: BesideDatabase): Promise<boolean> {
  if (!database.name.includes('__next_')) return false;
  await using session = await openStaging(run, database.name);
  const { empty } = await session.row<{ empty: boolean }>(
    'select not exists (select from pg_catalog.pg_class where oid >= 16384) as empty',
  );
  return empty;
}
