import { databaseOf } from './connection-url.ts';
import { forkFlagNames } from './run-flags.ts';
import { problem, type SettingProblem } from './setting-problem.ts';
import type { SettingValues } from './settings-schema.ts';

/** Digits and hyphen that a generation adds to the cluster's name. */
const suffixLength = 9;
const longestName = 63;

/** What can't be said together with `strategy: fork`: a fork is production's own files in a cluster of the stack's. */
export function forkProblems(values: Partial<SettingValues>): SettingProblem[] {
  if (values.strategy !== 'fork') return [];
  return [
    ...clusterProblems(values),
    values.refreshIn === 'github' &&
      problem('refreshIn', 'must be here with strategy fork: the fork is made by pulumi up, on GitHub, too'),
    values.openToAll === true &&
      problem('openToAll', 'is refused with strategy fork: a fork is born with production’s clear data'),
    ...Object.keys(values.runFlags ?? {})
      .filter((name) => !forkFlagNames.includes(name))
      .map((name) =>
        problem(`runFlags.${name}`, `is no flag of refresh fork, which has ${forkFlagNames.join(' and ')}`),
      ),
    values.artifactRecipient !== undefined &&
      problem(
        'artifactRecipient',
        'is of no use with strategy fork, which makes no backup file: leave it out',
      ),
    ...(['digitalOceanToken', 'githubToken'] as const).map(
      (key) =>
        values[key] === undefined &&
        problem(key, 'must be in the stack with strategy fork: the weekly pulumi up on GitHub has no other'),
    ),
  ].filter((found) => typeof found === 'object');
}

function clusterProblems({
  stagingCluster,
  productionCluster,
  productionDatabaseUrl,
}: Partial<SettingValues>): SettingProblem[] {
  if (!stagingCluster) return [];
  if ('adopt' in stagingCluster)
    return [
      problem('stagingCluster.adopt', 'is refused with strategy fork, which makes a cluster each time'),
    ];
  const name = stagingCluster.name ?? (productionCluster && `${productionCluster}-staging`) ?? '';
  const database = databaseOf(productionDatabaseUrl);
  const follows = (key: 'user' | 'version', what: string) =>
    stagingCluster[key] !== undefined &&
    problem(`stagingCluster.${key}`, `must be left out with strategy fork: a fork has ${what}`);
  return [
    name.length > longestName - suffixLength &&
      problem(
        'stagingCluster.name',
        `must have at most ${longestName - suffixLength} characters with strategy fork, which adds ${suffixLength}`,
      ),
    stagingCluster.database !== undefined &&
      database !== undefined &&
      stagingCluster.database !== database &&
      problem('stagingCluster.database', `must be production's with strategy fork: "${database}"`),
    follows('user', 'production’s roles'),
    follows('version', 'production’s version'),
  ].filter((found) => typeof found === 'object');
}
