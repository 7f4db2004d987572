import type { components } from '@octokit/openapi-types';
import type { Handler } from '../route.ts';
import { Refusal, type Route } from '../route.ts';
import { type Access, type GitHubRequest, type Level, type Permission, requirePermission } from './access.ts';

/** GitHub's own names and types of what it answers. */
export type Schema = components['schemas'];

/** What is kept in the state file. Secrets stay sealed in it, beside the key that opens them: 0600. */
export interface HubState {
  repositories: RepositoryRecord[];
  /** Given out once each, to runs, jobs, artifacts and environments. */
  lastId: number;
}

export interface RepositoryRecord {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly default_branch: string;
  readonly created_at: string;
  readonly key: KeyRecord;
  branches: Record<string, BranchRecord>;
  commits: Record<string, CommitRecord>;
  /** Contents in base64, by git's own name for them. */
  blobs: Record<string, string>;
  secrets: SecretRecord[];
  variables: VariableRecord[];
  environments: EnvironmentRecord[];
  /** Ids of the workflows that do not run, and why. */
  disabled: Record<string, 'disabled_manually' | 'disabled_inactivity'>;
  runs: RunRecord[];
  dispatches: { readonly event_type: string; readonly client_payload: unknown }[];
}

/** An X25519 key pair, base64. */
export interface KeyRecord {
  readonly key_id: string;
  readonly public: string;
  readonly private: string;
}

export interface BranchRecord {
  sha: string;
  protected: boolean;
}

export interface Signature {
  readonly name: string;
  readonly email: string;
  readonly date: string;
}

export interface CommitRecord {
  readonly sha: string;
  readonly tree: string;
  readonly parent: string | null;
  readonly message: string;
  readonly author: Signature;
  readonly committer: Signature;
  /** Path to blob. */
  readonly files: Readonly<Record<string, string>>;
}

export interface SecretRecord {
  readonly name: string;
  readonly created_at: string;
  sealed: string;
  updated_at: string;
}

export interface VariableRecord {
  name: string;
  value: string;
  readonly created_at: string;
  updated_at: string;
}

export interface EnvironmentRecord {
  readonly id: number;
  readonly name: string;
  readonly created_at: string;
  updated_at: string;
  wait_timer: number;
  prevent_self_review: boolean;
  can_admins_bypass: boolean;
  reviewers: readonly { readonly type: 'User' | 'Team'; readonly id: number }[];
  deployment_branch_policy: {
    readonly protected_branches: boolean;
    readonly custom_branch_policies: boolean;
  } | null;
  secrets: SecretRecord[];
  variables: VariableRecord[];
}

export type RunStatus = 'queued' | 'in_progress' | 'completed';
export type RunConclusion = 'success' | 'failure' | 'cancelled' | 'skipped' | 'timed_out';

export interface RunRecord {
  readonly id: number;
  readonly workflow_id: number;
  readonly path: string;
  readonly name: string;
  readonly display_title: string;
  readonly run_number: number;
  readonly event: string;
  readonly head_branch: string;
  readonly head_sha: string;
  readonly actor: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly created_at: string;
  updated_at: string;
  status: RunStatus;
  conclusion: RunConclusion | null;
  /** Somebody asked for its end; the local runner looks here. */
  cancelling?: boolean;
  jobs: JobRecord[];
  log: string;
  artifacts: ArtifactRecord[];
}

export interface JobRecord {
  readonly id: number;
  readonly name: string;
  readonly steps: readonly { readonly name: string; readonly conclusion: RunConclusion | null }[];
  /** Its run's unless it has one of its own. */
  readonly conclusion?: RunConclusion;
}

export interface ArtifactRecord {
  readonly id: number;
  readonly name: string;
  readonly created_at: string;
  /** A zip file, base64. */
  readonly zip: string;
}

/** The emulated GitHub. */
export interface Hub {
  readonly state: HubState;
  readonly organizations: readonly string[];
  /** Who carries dispatched runs out; undefined: a test does it by `/_local`. */
  executions?: {
    start(repository: RepositoryRecord, run: RunRecord, origin: string): void;
    cancel(run: RunRecord): void;
  };
  /** False: a dispatch answers 204 whatever it was asked, as servers did before they knew `return_run_details`. */
  readonly tellsRuns: boolean;
  now(): Date;
}

export type RepositoryHandler = (
  request: GitHubRequest,
  repository: RepositoryRecord,
) => ReturnType<Handler<Access>>;

export interface RepositoryRoute {
  readonly method: string;
  /** Behind `/repos/:owner/:repo` and `/repositories/:id`, which mean the same. */
  readonly path: string;
  readonly needs: readonly [Permission, Level];
  readonly handle: RepositoryHandler;
}

/** The routes of every repository, closed to tokens without the permission. */
export function openRoutes(hub: Hub, routes: readonly RepositoryRoute[]): readonly Route<Access>[] {
  return routes.flatMap(({ method, path, needs, handle }) => {
    const guarded = (request: GitHubRequest) => {
      const repository = repositoryOf(hub, request);
      requirePermission(request.access, repository, 'metadata', 'read');
      requirePermission(request.access, repository, ...needs);
      return handle(request, repository);
    };
    return [`/repos/:owner/:repo${path}`, `/repositories/:id${path}`].map((full) => ({
      method,
      path: full,
      handle: guarded,
    }));
  });
}

export function repositoryOf({ state }: Hub, { params }: GitHubRequest): RepositoryRecord {
  const found = state.repositories.find((each) =>
    params.id === undefined
      ? sameName(each.owner, params.owner) && sameName(each.name, params.repo)
      : String(each.id) === params.id,
  );
  if (!found) throw new Refusal(404, 'Not Found');
  return found;
}

/** Address of the repository in the API, as the caller reached it. */
export function repositoryUrl({ origin }: GitHubRequest, { owner, name }: RepositoryRecord): string {
  return `${origin}/repos/${owner}/${name}`;
}

/** Address of the repository's pages; they do not exist here, but people recognise them in a log. */
export function pageUrl({ origin }: GitHubRequest, { owner, name }: RepositoryRecord): string {
  return `${new URL(origin).origin}/${owner}/${name}`;
}

export function nextId({ state }: Hub): number {
  state.lastId += 1;
  return state.lastId;
}

/** GitHub's time format: ISO 8601 in UTC, whole seconds. */
export function timestamp(hub: Hub): string {
  return hub
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z');
}

/** GitHub compares names of owners, repositories and environments without regard to case. */
export function sameName(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}

/** GitHub's opaque id of a thing, as its GraphQL API would know it. */
export function nodeId(kind: string, id: number | string): string {
  return `${kind}_${Buffer.from(String(id)).toString('base64url')}`;
}
