import * as z from 'zod';
import { parseBody } from '../body.ts';
import type { Answer } from '../route.ts';
import type { Access, GitHubRequest } from './access.ts';
import {
  type Hub,
  nodeId,
  pageUrl,
  type RepositoryRecord,
  type RepositoryRoute,
  repositoryUrl,
  sameName,
} from './hub.ts';

const dispatchSchema = z.object({
  event_type: z.string({ error: "wasn't supplied" }).min(1).max(100),
  client_payload: z.record(z.string(), z.unknown()).optional(),
});

/** The repository itself, and what Actions may do in it. */
export function repositoryRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: '',
      needs: ['metadata', 'read'],
      handle: (request, repository) => ({ status: 200, body: repositoryAnswer(hub, request, repository) }),
    },
    {
      method: 'GET',
      path: '/actions/permissions',
      needs: ['administration', 'read'],
      handle: () => ({ status: 200, body: { enabled: true, allowed_actions: 'all' } }),
    },
    {
      method: 'GET',
      path: '/actions/permissions/workflow',
      needs: ['administration', 'read'],
      handle: () => ({
        status: 200,
        body: { default_workflow_permissions: 'read', can_approve_pull_request_reviews: false },
      }),
    },
    {
      method: 'POST',
      path: '/dispatches',
      needs: ['contents', 'write'],
      handle: (request, repository) => dispatch(request, repository),
    },
  ];
}

/** The account as a repository or a run shows it. */
export function accountAnswer(hub: Hub, request: GitHubRequest, login: string): Record<string, unknown> {
  const type = hub.organizations.some((name) => sameName(name, login)) ? 'Organization' : 'User';
  const id = accountId(login);
  const url = `${request.origin}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId(type[0] ?? '', id),
    avatar_url: '',
    gravatar_id: '',
    url,
    html_url: `${new URL(request.origin).origin}/${login}`,
    repos_url: `${url}/repos`,
    type,
    site_admin: false,
  };
}

/** The same login always has the same id. */
function accountId(login: string): number {
  return [...login.toLowerCase()].reduce(
    (sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 900_000_007,
    7,
  );
}

function repositoryAnswer(
  hub: Hub,
  request: GitHubRequest,
  repository: RepositoryRecord,
): Record<string, unknown> {
  const { id, owner, name, default_branch, created_at } = repository;
  const url = repositoryUrl(request, repository);
  const html = pageUrl(request, repository);
  return {
    id,
    node_id: nodeId('R', id),
    name,
    full_name: `${owner}/${name}`,
    owner: accountAnswer(hub, request, owner),
    private: repository.private,
    visibility: repository.private ? 'private' : 'public',
    html_url: html,
    description: null,
    fork: false,
    url,
    git_url: `${html.replace(/^http/, 'git')}.git`,
    ssh_url: `git@${new URL(html).hostname}:${owner}/${name}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    language: null,
    size: 0,
    default_branch,
    topics: [],
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    archived: false,
    disabled: false,
    is_template: false,
    license: null,
    forks_count: 0,
    stargazers_count: 0,
    watchers_count: 0,
    open_issues_count: 0,
    created_at,
    updated_at: created_at,
    pushed_at:
      repository.commits[repository.branches[default_branch]?.sha ?? '']?.committer.date ?? created_at,
    permissions: permissionsOf(request.access),
  };
}

function permissionsOf({ token }: Access): Record<string, boolean> {
  const writes = 'scopes' in token ? token.scopes.includes('repo') : token.permissions.contents === 'write';
  const administers = 'scopes' in token ? writes : token.permissions.administration === 'write';
  return { admin: administers, maintain: administers, push: writes, triage: writes, pull: true };
}

function dispatch({ body }: GitHubRequest, repository: RepositoryRecord): Answer {
  const { event_type, client_payload = {} } = parseBody(dispatchSchema, body);
  repository.dispatches.push({ event_type, client_payload });
  return { status: 204 };
}
