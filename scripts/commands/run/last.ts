import type { LeftOut } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { OwnershipFacts } from '../../postgres/identity.ts';
import { type Grants, grantsHere } from '../../postgres/own-grants.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { assignOwners, ownEventTriggers, runEach } from '../../stages/ownership.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { type Destination, makingSettings } from '../../stages/schema/making.ts';
import { hasLast, privilegesOf, restoreLast } from '../../stages/schema.ts';
import type { Site } from './site.ts';

/** Gives staging's own roles what they were granted; returns what was refused. */
export async function giveOwn(
  run: StagingRun,
  { name }: Site<StagingRun>['next'],
  grants: Grants,
): Promise<LeftOut[]> {
  if (grants.each.length === 0) return [];
  await using session = await openStaging(run, name, makingSettings);
  return await runEach(session, await grantsHere(session, grants));
}

/**
 * Owners and privileges, what staging's own roles were granted, and what is made when all else is done; returns what was
 * refused.
 */
export async function giveAway(
  { run, next }: Pick<Site<StagingRun>, 'run' | 'next'>,
  server: StagingServer,
  destination: Destination,
  archive: SchemaArchive,
  ownership: OwnershipFacts,
  grants: Grants,
): Promise<LeftOut[]> {
  const privileges = await privilegesOf(destination, archive);
  const missing = await assignOwners(run, server, ownership, next.name, privileges);
  const given = [...missing, ...(await giveOwn(run, next, grants))];
  if (!hasLast(archive)) return given;
  await using session = await openStaging(run, next.name, makingSettings);
  const refused = await restoreLast(destination, session, archive, runEach);
  return [...given, ...refused, ...(await ownEventTriggers(session, server, ownership))];
}
