import * as z from 'zod';
import { parseBody } from '../body.ts';
import { type Answer, type Handler, Refusal, type Route } from '../route.ts';
import type { Access, GitHubRequest } from './access.ts';
import {
  type Hub,
  nextId,
  type RepositoryRecord,
  type RepositoryRoute,
  type RunRecord,
  repositoryOf,
  timestamp,
} from './hub.ts';
import { runOf } from './runs.ts';
import { openSecrets } from './sealed-box.ts';

const conclusion = z.enum(['success', 'failure', 'cancelled', 'skipped', 'timed_out']);
const runSchema = z
  .strictObject({
    status: z.enum(['queued', 'in_progress', 'completed']),
    conclusion: conclusion.nullable().default(null),
    log: z.string().optional(),
    steps: z.array(z.strictObject({ name: z.string(), conclusion: conclusion.nullable() })).optional(),
  })
  .refine(
    (run) => (run.status === 'completed') === (run.conclusion !== null),
    'a conclusion comes with completion',
  );
const artifactSchema = z.strictObject({ name: z.string().min(1), zip: z.base64() });
const branchSchema = z.strictObject({ protected: z.boolean() });

/**
 * What GitHub does not have, under `/_local`: secrets in clear, so that a test can see what arrived; runs to be
 * executed by a local runner; branches to be protected.
 */
export function localHooks(hub: Hub): readonly Route<Access>[] {
  return [
    { method: 'GET', path: '/_local/secrets', handle: forOwner(() => clearSecrets(hub)) },
    ...repositoryHooks(hub).map(({ method, path, handle }) => ({
      method,
      path: `/_local/repos/:owner/:repo${path}`,
      handle: forOwner((request) => handle(request, repositoryOf(hub, request))),
    })),
  ];
}

/** A classic token with the scope `repo`: what a limited one may not see, it does not see here either. */
function forOwner(handle: Handler<Access>): Handler<Access> {
  return (request) => {
    const { token } = request.access;
    if (!('scopes' in token && token.scopes.includes('repo'))) throw new Refusal(404, 'Not Found');
    return handle(request);
  };
}

function repositoryHooks(hub: Hub): readonly Omit<RepositoryRoute, 'needs'>[] {
  return [
    {
      method: 'GET',
      path: '/dispatches',
      handle: (_, { dispatches }) => ({ status: 200, body: { dispatches } }),
    },
    { method: 'GET', path: '/runs', handle: (_, { runs }) => ({ status: 200, body: { runs } }) },
    {
      method: 'GET',
      path: '/runs/:run',
      handle: (request, repository) => ({ status: 200, body: runOf(request, repository) }),
    },
    {
      method: 'PATCH',
      path: '/runs/:run',
      handle: (request, repository) => moveRun(hub, request, repository),
    },
    {
      method: 'POST',
      path: '/runs/:run/artifacts',
      handle: (request, repository) => keepArtifact(hub, request, repository),
    },
    {
      method: 'PUT',
      path: '/branches/*branch',
      handle(request, repository) {
        const name = request.params.branch ?? '';
        const sha =
          repository.branches[name]?.sha ?? repository.branches[repository.default_branch]?.sha ?? '';
        repository.branches[name] = { sha, protected: parseBody(branchSchema, request.body).protected };
        return { status: 204 };
      },
    },
  ];
}

async function clearSecrets(hub: Hub): Promise<Answer> {
  const repositories: Record<string, unknown> = {};
  for (const repository of hub.state.repositories) {
    const environments: Record<string, unknown> = {};
    for (const { name, secrets } of repository.environments)
      environments[name] = await openSecrets(repository.key, secrets);
    const secrets = await openSecrets(repository.key, repository.secrets);
    repositories[`${repository.owner}/${repository.name}`] = { secrets, environments };
  }
  return { status: 200, body: { repositories } };
}

function moveRun(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): Answer {
  const run: RunRecord = runOf(request, repository);
  const { steps, log, ...progress } = parseBody(runSchema, request.body);
  Object.assign(run, progress, { updated_at: timestamp(hub) });
  if (log !== undefined) run.log = log;
  if (steps) run.jobs = run.jobs.map((job, index) => (index === 0 ? { ...job, steps } : job));
  return { status: 200, body: run };
}

function keepArtifact(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): Answer {
  const { name, zip } = parseBody(artifactSchema, request.body);
  const artifact = { id: nextId(hub), name, zip, created_at: timestamp(hub) };
  runOf(request, repository).artifacts.push(artifact);
  return { status: 201, body: { id: artifact.id } };
}
