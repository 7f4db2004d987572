import type { Session } from './session.ts';

/** What a reader's transaction begins with, behind its settings. */
export const readingBegins = 'savepoint reading';

/**
 * Ends what a reader has read: its locks go with the savepoint, and its snapshot stays. In one transaction it would keep
 * each table and each index that a query has looked at, and production's lock table, which all of its sessions share, is
 * no larger than it has to be. The session that exports the snapshot holds the tables.
 */
export const readingEnds = 'rollback to savepoint reading';

/** Reads something with a reader, and lets go of the locks without waiting for that. */
export async function reading<Result>(reader: Session, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } finally {
    if (!reader.lost) reader.run(readingEnds).catch(() => undefined);
  }
}
