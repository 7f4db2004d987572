import type { RateLimitStanding } from '../rate-limit.ts';
import { type ApiRequest, Refusal } from '../route.ts';

/** A classic token with scopes such as `repo` and `workflow`. */
export interface ClassicToken {
  readonly token: string;
  readonly scopes: readonly string[];
}

/** A fine-grained token with permissions such as `{ secrets: 'write' }`; `metadata: read` goes without saying. */
export interface FineGrainedToken {
  readonly token: string;
  readonly permissions: Readonly<Partial<Record<Permission, Level>>>;
}

export type GitHubToken = ClassicToken | FineGrainedToken;

export type Permission =
  | 'metadata'
  | 'contents'
  | 'workflows'
  | 'secrets'
  | 'variables'
  | 'environments'
  | 'actions'
  | 'administration';

export type Level = 'read' | 'write';

/** What the token of a request may do, who it belongs to, and how often it may still ask. */
export interface Access {
  readonly token: GitHubToken;
  readonly login: string;
  readonly standing: RateLimitStanding;
}

export type GitHubRequest = ApiRequest<Access>;

/** What a public repository shows to everybody. */
const openToAll: readonly Permission[] = ['metadata', 'contents', 'actions', 'environments'];

/**
 * Throws what GitHub answers to a token without the right: a 404 to a classic token, as if the thing did not exist,
 * a 403 that names the permission to a fine-grained one.
 */
export function requirePermission(
  { token }: Access,
  repository: { readonly private: boolean },
  permission: Permission,
  level: Level,
): void {
  if (level === 'read' && !repository.private && openToAll.includes(permission)) return;
  if ('scopes' in token) {
    const needed = permission === 'workflows' ? 'workflow' : 'repo';
    if (!token.scopes.includes(needed)) throw new Refusal(404, 'Not Found');
    return;
  }
  const granted = permission === 'metadata' ? 'read' : token.permissions[permission];
  if (granted === 'write' || granted === level) return;
  throw new Refusal(
    403,
    'Resource not accessible by personal access token',
    {},
    { 'x-accepted-github-permissions': `${permission}=${level}` },
  );
}

/** Headers by which a client learns what its token may do. */
export function accessHeaders({ token, standing }: Access): Record<string, string> {
  return {
    ...('scopes' in token && { 'x-oauth-scopes': token.scopes.join(', '), 'x-accepted-oauth-scopes': '' }),
    'x-ratelimit-limit': String(standing.limit),
    'x-ratelimit-remaining': String(standing.remaining),
    'x-ratelimit-used': String(standing.used),
    'x-ratelimit-reset': String(standing.reset),
    'x-ratelimit-resource': 'core',
  };
}
