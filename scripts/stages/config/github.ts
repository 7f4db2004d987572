import { environmentName } from '../../contract.ts';
import type { ApiAccess } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { webAddress } from './web-address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const publicUrl = 'https://api.github.com';

export interface GitHubAccess {
  readonly access: ApiAccess;
  /** OWNER/NAME */
  readonly repository: string;
}

/**
 * GitHub's API, the token and the repository; undefined where one of the two is not there.
 *
 * @throws RefreshError `bad-environment` for what can't be one.
 */
export function readGitHub(environment: Environment, repository?: string): GitHubAccess | undefined {
  const token = environment[environmentName.gitHubToken]?.trim();
  const named = repository ?? environment[environmentName.gitHubRepository]?.trim();
  if (!token || !named) return undefined;
  if (!/^[\x20-\x7e]+$/.test(token))
    throw bad(environmentName.gitHubToken, 'it holds characters that no token has');
  if (!/^[\w.-]+\/[\w.-]+$/.test(named))
    throw bad(environmentName.gitHubRepository, 'it does not read OWNER/NAME');
  const url = webAddress(
    environment[environmentName.gitHubApiUrl] || publicUrl,
    environmentName.gitHubApiUrl,
  );
  return { access: { url: apiUrl(url), token: new Secret(token) }, repository: named };
}

/** @throws RefreshError `bad-environment` when it is not there. */
export function requireGitHub(environment: Environment, repository?: string): GitHubAccess {
  const found = readGitHub(environment, repository);
  if (found) return found;
  const missing = environment[environmentName.gitHubToken]
    ? environmentName.gitHubRepository
    : environmentName.gitHubToken;
  throw bad(missing, 'it is not set');
}

/** GitHub Enterprise Server has its API below /api/v3, which people leave out, and its provider for Pulumi adds. */
function apiUrl(url: string): string {
  const base = url.replace(/\/+$/, '');
  return base === publicUrl || base.endsWith('/api/v3') ? base : `${base}/api/v3`;
}

function bad(object: string, message: string): RefreshError {
  return new RefreshError('bad-environment', message, {
    object,
    hint: 'GITHUB_TOKEN: a token with Actions: read and write for the repository; GITHUB_REPOSITORY: OWNER/NAME',
  });
}
