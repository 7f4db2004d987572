import type { StagingRun } from '../model/run.ts';
import { dropBeside, listMarked } from '../postgres/beside.ts';
import type { Session } from '../postgres/session.ts';

/** Drops the oldest previous databases beyond `--keep-previous`. Only what carries our mark is ever touched. */
export async function prunePrevious(run: StagingRun, maintenance: Session, live: string): Promise<string[]> {
  const previous = await listMarked(maintenance, live, 'previous');
  const surplus = previous.slice(0, Math.max(0, previous.length - run.config.keepPrevious));
  for (const { name } of surplus) {
    await dropBeside(maintenance, name);
    run.log.info(`dropped ${name}: ${run.config.keepPrevious} kept for a rollback`);
  }
  return surplus.map(({ name }) => name);
}
