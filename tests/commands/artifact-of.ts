import { artifactFolder } from '../artifact/programs.ts';
import { expectRun } from '../support/engine.ts';
import type { Scenario } from '../support/scenario.ts';

/** An environment in which nobody reaches production. */
export function stagingOnly(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { PRODUCTION_DB_URL: _, PRODUCTION_DB_CA: __, ...rest } = environment;
  return rest;
}

/** Refreshes; gives the path of the file that it made. */
export async function artifactOf(
  { environment }: Pick<Scenario, 'environment'>,
  flags: readonly string[] = [],
): Promise<string> {
  const { report } = await expectRun(environment, ['--artifact', await artifactFolder(), ...flags]);
  return report.artifact?.path ?? '';
}
