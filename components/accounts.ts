import { environmentName } from '../scripts/contract.ts';
import { namespace, problem, type SettingProblem } from './settings-problems.ts';
import type { SettingValues } from './settings-schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the two providers find in the environment by themselves, read the way that they read it. */
export interface EnvironmentAccounts {
  readonly digitalOceanToken: string | undefined;
  readonly digitalOceanApiUrl: string | undefined;
  readonly gitHubToken: string | undefined;
  readonly gitHubApiUrl: string | undefined;
}

export function readAccounts(environment: Environment): EnvironmentAccounts {
  return {
    digitalOceanToken: environment.DIGITALOCEAN_TOKEN || environment.DIGITALOCEAN_ACCESS_TOKEN || undefined,
    digitalOceanApiUrl: environment[environmentName.digitalOceanApiUrl] || undefined,
    gitHubToken: environment.GITHUB_TOKEN || undefined,
    gitHubApiUrl: gitHubApiUrl(environment[environmentName.gitHubApiUrl]),
  };
}

/** Tokens that neither the configuration nor the environment has, and an owner that the provider would not follow. */
export function accountProblems(values: Partial<SettingValues>, environment: Environment): SettingProblem[] {
  const accounts = readAccounts(environment);
  // The provider prefers GITHUB_OWNER to the owner that it is given, and would write to the wrong account.
  const owner = environment.GITHUB_OWNER;
  const otherOwner = owner && values.repository?.split('/')[0]?.toLowerCase() !== owner.toLowerCase();
  return [
    !values.digitalOceanToken &&
      !accounts.digitalOceanToken &&
      missing('digitalOceanToken', 'DIGITALOCEAN_TOKEN'),
    !values.githubToken && !accounts.gitHubToken && missing('githubToken', 'GITHUB_TOKEN'),
    values.repository !== undefined &&
      otherOwner &&
      problem(
        'repository',
        `isn't owned by GITHUB_OWNER=${owner}, which the provider would follow: unset it`,
      ),
  ].filter((found) => typeof found === 'object');
}

function missing(key: string, variable: string): SettingProblem {
  return problem(
    key,
    `is missing: pulumi config set --secret ${namespace}:${key}, or ${variable} in the environment`,
  );
}

/** GitHub's own runners set GITHUB_API_URL; the public address means no more than the provider's default. */
function gitHubApiUrl(url: string | undefined): string | undefined {
  const address = url?.replace(/\/+$/, '');
  return address === '' || address === 'https://api.github.com' ? undefined : address;
}
