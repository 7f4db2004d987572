import type { LeftOut } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { OwnershipFacts } from '../../postgres/identity.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { ownEventTriggers, runEach } from '../../stages/ownership.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { type Destination, makingSettings } from '../../stages/schema/making.ts';
import { hasLast, restoreLast } from '../../stages/schema.ts';
import type { Site } from './site.ts';

/** What is made when all else is done and given away, with its owners; returns what was refused. */
export async function makeLast(
  { run, next }: Pick<Site<StagingRun>, 'run' | 'next'>,
  server: StagingServer,
  destination: Destination,
  archive: SchemaArchive,
  ownership: OwnershipFacts,
): Promise<LeftOut[]> {
  if (!hasLast(archive)) return [];
  await using session = await openStaging(run, next.name, makingSettings);
  const refused = await restoreLast(destination, session, archive, runEach);
  return [...refused, ...(await ownEventTriggers(session, server, ownership))];
}
