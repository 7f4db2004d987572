import * as pulumi from '@pulumi/pulumi';
import type { z } from 'zod';
import { nearestWord } from '../scripts/model/spelling.ts';
import { databaseOf } from './connection-url.ts';
import { forkProblems } from './fork-problems.ts';
import { runFlagNames } from './run-flags.ts';
import { longestGapDays } from './schedule.ts';
import { problem, type SettingProblem } from './setting-problem.ts';
import { type SettingKey, type SettingValues, settingSchemas } from './settings-schema.ts';

export { namespace, problem, type SettingProblem } from './setting-problem.ts';

/** Everything that is wrong with a stack's configuration, at once. Pulumi prints it without a stack trace. */
export class SettingsError extends pulumi.RunError {
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const lines = problems.map(({ propertyPath, reason }) => `  ${propertyPath}: ${reason}`);
    super(
      `this stack's configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    );
    this.problems = problems;
  }
}

/** A path and a reason for everything that zod found below one key. */
export function schemaProblems(key: SettingKey, error: z.ZodError): SettingProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
      .join('');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((word) =>
        problem(`${key}${path}.${word}`, unknownWord(word, knownWords(key, path))),
      );
    }
    return [problem(`${key}${path}`, issue.message)];
  });
}

/** Keys of our namespace that nothing reads: most likely a typo. */
export function unknownKeyProblems(keys: readonly string[]): SettingProblem[] {
  const known = Object.keys(settingSchemas);
  return keys.filter((key) => !known.includes(key)).map((key) => problem(key, unknownWord(key, known)));
}

/** Rules between keys; a key that is wrong by itself is missing in `values`, and its rules wait. */
export function crossProblems(values: Partial<SettingValues>): SettingProblem[] {
  return [
    ...forkProblems(values),
    ...sourceProblems(values),
    ...databaseProblems(values),
    ...alertProblems(values),
    ...runFlagProblems(values),
  ];
}

function unknownWord(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known);
  return nearest ? `unknown, did you mean ${nearest}?` : `unknown, the known ones are ${known.join(', ')}`;
}

function knownWords(key: SettingKey, path: string): readonly string[] {
  if (key === 'runFlags') return runFlagNames;
  if (key === 'trustedSources') return ['type', 'value'];
  if (key === 'stagingCluster' && path === '') {
    return ['adopt', 'name', 'size', 'region', 'nodeCount', 'version', 'database', 'user'];
  }
  return [];
}

function sourceProblems(values: Partial<SettingValues>): SettingProblem[] {
  const { stagingCluster, trustedSources, openToAll } = values;
  if (!stagingCluster || !trustedSources) return [];
  if ('adopt' in stagingCluster) {
    return trustedSources.length === 0
      ? []
      : [
          problem(
            'trustedSources',
            'must be left out with stagingCluster.adopt: an adopted cluster keeps its own list',
          ),
        ];
  }
  if (trustedSources.length === 0 && openToAll === false) {
    return [
      problem(
        'trustedSources',
        'is empty, and an empty list is open to the whole internet: name the sources, or say openToAll: true',
      ),
    ];
  }
  if (trustedSources.length > 0 && openToAll === true) {
    return [problem('openToAll', 'contradicts trustedSources: leave one of the two out')];
  }
  return [];
}

/** The check would fail every morning between two runs that are further apart. */
function alertProblems({ alertAfterDays, schedule }: Partial<SettingValues>): SettingProblem[] {
  if (!alertAfterDays || schedule === undefined) return [];
  const gap = longestGapDays(schedule);
  return alertAfterDays >= gap
    ? []
    : [
        problem(
          'alertAfterDays',
          `${alertAfterDays} is less than the ${gap} days between two runs of "${schedule}": say more, or 0 for no check`,
        ),
      ];
}

/** What the engine would refuse each week, and what it could do here alone. */
function runFlagProblems({ runFlags, artifactRecipient }: Partial<SettingValues>): SettingProblem[] {
  if (!runFlags) return [];
  const encrypted = artifactRecipient !== undefined;
  return [
    runFlags['artifact-content'] === 'full' &&
      !encrypted &&
      problem(
        'runFlags.artifact-content',
        'full needs artifactRecipient: production’s rows go into no clear file',
      ),
    runFlags.rehearse === true &&
      encrypted &&
      problem(
        'runFlags.rehearse',
        'can’t be with artifactRecipient: the key that opens the file goes to no workflow',
      ),
    runFlags.rehearse === true &&
      runFlags['no-artifact'] === true &&
      problem('runFlags.rehearse', 'can’t be with no-artifact: there is no file to rehearse'),
  ].filter((found) => typeof found === 'object');
}

function databaseProblems(values: Partial<SettingValues>): SettingProblem[] {
  const { stagingCluster, productionCluster, strategy } = values;
  if (!stagingCluster) return [];
  const database = stagingCluster.database ?? databaseOf(values.productionDatabaseUrl);
  if (database !== undefined && serverDatabases.includes(database)) {
    return [
      problem(
        'stagingCluster.database',
        `"${database}" is the server's own: name a database of the app's own`,
      ),
    ];
  }
  if (database === 'defaultdb' && strategy === 'swap') {
    return [
      problem(
        'stagingCluster.database',
        '"defaultdb" can\'t be renamed, which strategy swap does: name a database of the app\'s own, or use strategy in-place',
      ),
    ];
  }
  if ('adopt' in stagingCluster) {
    const isProduction =
      stagingCluster.adopt === productionCluster && database === databaseOf(values.productionDatabaseUrl);
    return isProduction
      ? [problem('stagingCluster.adopt', 'is production itself: staging needs another database')]
      : [];
  }
  return stagingCluster.name !== undefined && stagingCluster.name === productionCluster
    ? [problem('stagingCluster.name', "is production's name: choose another one, or use adopt")]
    : [];
}

/** What PostgreSQL and DigitalOcean keep for themselves. */
const serverDatabases: readonly string[] = ['postgres', 'template0', 'template1', '_dodb'];
