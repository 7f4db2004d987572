import { randomUUID } from 'node:crypto';
import { type Access, accessHeaders, type GitHubToken } from './github/access.ts';
import { commitRoutes } from './github/commits.ts';
import { contentRoutes } from './github/contents.ts';
import { environmentRoutes } from './github/environments.ts';
import { Executions, type RunnerMachine } from './github/execution.ts';
import { type Hub, type HubState, openRoutes } from './github/hub.ts';
import { localHooks } from './github/local-hooks.ts';
import { ownerRoutes } from './github/owners.ts';
import { repositoryRoutes } from './github/repositories.ts';
import { runRoutes } from './github/runs.ts';
import { secretRoutes } from './github/secrets.ts';
import { type SeedRepository, seedRepositories } from './github/seed.ts';
import { variableRoutes } from './github/variables.ts';
import { workflowRoutes } from './github/workflows.ts';
import { RateLimit } from './rate-limit.ts';
import { type Answer, Refusal, type Route } from './route.ts';
import { type Api, type ApiServer, serveApi } from './server.ts';
import { openState } from './state.ts';

export interface GitHubOptions {
  readonly stateFile: string;
  /** A classic token with the scopes `repo` and `workflow`. */
  readonly token: string;
  readonly otherTokens?: readonly GitHubToken[];
  /** Whose tokens they are; the first repository's owner unless said. */
  readonly login?: string;
  readonly port?: number;
  readonly repositories: readonly SeedRepository[];
  /** Owners that are organizations; all others are users. */
  readonly organizations?: readonly string[];
  /** File that gets one line a request. */
  readonly log?: string;
  /** Carries dispatched runs out for real; absent: they stay queued. */
  readonly runner?: RunnerMachine;
  /** Whether a dispatch may answer with the run's id; true unless said. */
  readonly tellsRuns?: boolean;
  /** GitHub's own limit is 5000. */
  readonly requestsPerHour?: number;
  /** The time, for tests. */
  readonly now?: () => Date;
}

/** Serves GitHub's REST API on loopback, with and without the prefix `/api/v3`. State outlives the process. */
export async function serveGitHub(options: GitHubOptions): Promise<ApiServer> {
  const file = openState<HubState>(options.stateFile, () => ({ repositories: [], lastId: 7_000_000_000 }));
  const hub: Hub = {
    state: file.value,
    organizations: options.organizations ?? [],
    tellsRuns: options.tellsRuns ?? true,
    now: options.now ?? (() => new Date()),
  };
  await seedRepositories(hub, options.repositories);
  file.save();
  const save = () => file.save();
  const executions = options.runner && new Executions(hub, options.runner, options.token, save);
  if (executions) hub.executions = executions;
  const server = await serveApi(describeApi(hub, options, save), options);
  return {
    url: server.url,
    async close() {
      await executions?.close();
      await server.close();
    },
  };
}

function describeApi(hub: Hub, options: GitHubOptions, written: () => void): Api<Access> {
  const limit = new RateLimit(options.requestsPerHour ?? 5000);
  const tokens: readonly GitHubToken[] = [
    { token: options.token, scopes: ['repo', 'workflow'] },
    ...(options.otherTokens ?? []),
  ];
  const login = options.login ?? options.repositories[0]?.owner ?? 'octocat';
  return {
    prefix: '/api/v3',
    routes: gitHubRoutes(hub),
    authenticate(authorization) {
      const [, secret] = /^(?:Bearer|token) (.+)$/i.exec(authorization ?? '') ?? [];
      if (secret === undefined) throw new Refusal(401, 'Requires authentication');
      const token = tokens.find((each) => each.token === secret);
      if (!token) throw new Refusal(401, 'Bad credentials');
      const access = { token, login, standing: limit.count(token.token) };
      if (access.standing.exceeded) {
        throw new Refusal(403, `API rate limit exceeded for ${login}.`, {}, accessHeaders(access));
      }
      return access;
    },
    headers: (access) => ({
      'x-github-request-id': randomUUID(),
      'x-github-media-type': 'github.v3; format=json',
      ...(access && accessHeaders(access)),
    }),
    refusal: refusalAnswer,
    written,
  };
}

function gitHubRoutes(hub: Hub): readonly Route<Access>[] {
  return [
    ...localHooks(hub),
    ...ownerRoutes(hub),
    ...openRoutes(hub, [
      ...repositoryRoutes(hub),
      ...secretRoutes(hub),
      ...variableRoutes(hub),
      ...environmentRoutes(hub),
      ...contentRoutes(hub),
      ...commitRoutes(),
      ...workflowRoutes(hub),
      ...runRoutes(hub),
    ]),
  ];
}

function refusalAnswer({ status, message, details }: Refusal): Answer {
  return {
    status,
    body: { message, ...details, documentation_url: 'https://docs.github.com/rest', status: String(status) },
  };
}
