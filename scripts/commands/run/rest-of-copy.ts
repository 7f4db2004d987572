import type { Plan } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import { formatArchiveList, parseArchiveList } from '../../postgres/archive.ts';
import type { OwnershipFacts } from '../../postgres/identity.ts';
import type { NamelessArtifact } from '../../stages/artifact.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { definitionsMade } from '../../stages/schema/made.ts';
import type { Destination } from '../../stages/schema/making.ts';
import { definitionsTaken } from '../../stages/schema.ts';
import { compareDefinitions } from '../../stages/verify/comparisons.ts';
import { type Compared, verifiedCopy } from '../../stages/verify.ts';
import { packed } from '../../system/packed.ts';
import { tellLost } from './before.ts';
import { definitionsRestored } from './definitions-restored.ts';
import { giveAway } from './last.ts';
import type { Outcome } from './outcome.ts';
import type { Site } from './site.ts';

// What these functions return is called when the plan has been let go, and keeps whatever stands beside it in the
// function that made it: so each is made by one that knows nothing else.

/** What is left to do with a copy whose rows are proved. */
export interface Copy {
  /** Compares what was not compared yet, and gives the artifact its name. */
  readonly prove: () => Promise<Verified>;
  /** Constraints that the finished database has to have, and whether each is validated. */
  readonly promised: () => ReadonlyMap<string, boolean>;
  /** Owners and privileges: the last thing that is done to it. */
  readonly giveAway: () => Promise<void>;
}

/** How many definitions are equal. @param alone see compareDefinitions. @throws RefreshError `copy-differs`. */
export type Definitions = (alone: boolean) => Promise<number>;

/** An archive whose lists are text, which takes a third of their entries, and read when they are wanted. */
export function packArchive({ file, preData, postData, leftOut }: SchemaArchive): () => SchemaArchive {
  const lists = packed({ before: formatArchiveList(preData), after: formatArchiveList(postData) });
  return () => {
    const { before, after } = lists();
    return { file, preData: parseArchiveList(before), postData: parseArchiveList(after), leftOut };
  };
}

export function definitionsToCompare(
  site: Site<StagingRun>,
  destination: Destination,
  archive: () => SchemaArchive,
  { catalog }: Plan,
): Definitions {
  return comparing(site, destination, archive, definitionsRestored(site, destination, archive, catalog));
}

function comparing(
  site: Site<StagingRun>,
  destination: Destination,
  archive: () => SchemaArchive,
  restored: (() => Promise<string>) | undefined,
): Definitions {
  const production = () => definitionsTaken(destination, archive());
  const staging = async () => site.definitions(await definitionsMade(destination));
  const scripts = { production, staging, restored };
  return (alone) => compareDefinitions(scripts, (line) => site.run.log.warn(line), alone);
}

/** @param entries as Definitions; a number where they are compared already. */
export function proving(
  { run, next }: Site,
  outcome: Outcome,
  compared: Compared,
  definitions: Definitions,
  entries: number | undefined,
  nameless: NamelessArtifact | undefined,
): Copy['prove'] {
  return async () => {
    await using artifact = nameless;
    const verified = verifiedCopy(run, next.name, compared, entries ?? (await definitions(true)));
    outcome.verified = verified;
    // Only a copy that was found to be production's gives its file a name.
    outcome.artifact = await artifact?.giveName();
    return verified;
  };
}

export function givingAway(
  site: Site,
  outcome: Outcome,
  servers: StagingServer,
  destination: Destination,
  archived: () => SchemaArchive,
  ownership: () => OwnershipFacts,
): Copy['giveAway'] {
  return async () => {
    const refused = await giveAway(site, servers, destination, archived(), ownership(), site.before.grants);
    outcome.leftOut.push(...refused);
    await tellLost(site, outcome.leftOut);
  };
}
