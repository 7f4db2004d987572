import type { LeftOut } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import { onlyIn, readMade } from '../../postgres/made-objects.ts';
import { readGrants } from '../../postgres/own-grants.ts';
import { catalogSettings, openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import type { Before, Site } from './site.ts';

/** @param session of the live database, with an empty search_path. */
export async function readBefore(session: Session): Promise<Before> {
  const [grants, made] = await allDone([readGrants(session), readMade(session)]);
  return { grants, made };
}

/** Names what was in staging and is not in the finished database: somebody's work may be in it; and what was left out. */
export async function tellLost(
  { run, next, before }: Pick<Site<StagingRun>, 'run' | 'next' | 'before'>,
  leftOut: readonly LeftOut[],
): Promise<void> {
  await using session = await openStaging(run, next.name, catalogSettings);
  const lost = onlyIn(before.made, await readMade(session));
  if (lost) run.log.warn(`only the staging before this one has: ${lost}`);
  for (const { object, reason } of leftOut) run.log.warn(`left out: ${object}: ${reason}`);
}
