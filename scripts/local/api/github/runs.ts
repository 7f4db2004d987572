import { type Answer, param, Refusal } from '../route.ts';
import type { GitHubRequest } from './access.ts';
import { type Hub, type RepositoryRecord, type RepositoryRoute, type RunRecord, timestamp } from './hub.ts';
import { listAnswer } from './list.ts';
import { artifactAnswer, jobAnswer, runAnswer } from './run-answer.ts';
import { workflowOf } from './workflows.ts';
import { zipOf } from './zip.ts';

const one = '/actions/runs/:run';

/** Workflow runs, their jobs, logs and artifacts. Nothing runs by itself: see `local-hooks.ts`. */
export function runRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: '/actions/runs',
      needs: ['actions', 'read'],
      handle: (...args) => listRuns(hub, ...args),
    },
    {
      method: 'GET',
      path: '/actions/workflows/:workflow/runs',
      needs: ['actions', 'read'],
      handle: (...args) => listRuns(hub, ...args),
    },
    {
      method: 'GET',
      path: one,
      needs: ['actions', 'read'],
      handle: (request, repository) => ({
        status: 200,
        body: runAnswer(hub, request, repository, runOf(request, repository)),
      }),
    },
    {
      method: 'POST',
      path: `${one}/cancel`,
      needs: ['actions', 'write'],
      handle: (request, repository) => cancel(hub, runOf(request, repository)),
    },
    {
      method: 'GET',
      path: `${one}/jobs`,
      needs: ['actions', 'read'],
      handle(request, repository) {
        const run = runOf(request, repository);
        return listAnswer(request, 'jobs', run.jobs, (job) => jobAnswer(request, repository, run, job));
      },
    },
    ...downloadRoutes(),
  ];
}

/** The run that the request's path names. Throws a 404. */
export function runOf(request: GitHubRequest, repository: RepositoryRecord): RunRecord {
  const run = repository.runs.find(({ id }) => String(id) === param(request, 'run'));
  if (!run) throw new Refusal(404, 'Not Found');
  return run;
}

/** GitHub answers downloads with the address of a storage that asks for no token; here it is the file itself. */
function downloadRoutes(): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: `${one}/logs`,
      needs: ['actions', 'read'],
      handle(request, repository) {
        const { log, jobs } = runOf(request, repository);
        const file = { name: `0_${jobs[0]?.name ?? 'run'}.txt`, content: Buffer.from(log) };
        return download('application/zip', zipOf([file]));
      },
    },
    {
      method: 'GET',
      path: '/actions/jobs/:job/logs',
      needs: ['actions', 'read'],
      handle(request, repository) {
        const job = param(request, 'job');
        const run = repository.runs.find(({ jobs }) => jobs.some(({ id }) => String(id) === job));
        if (!run) throw new Refusal(404, 'Not Found');
        return download('text/plain; charset=utf-8', Buffer.from(run.log));
      },
    },
    {
      method: 'GET',
      path: `${one}/artifacts`,
      needs: ['actions', 'read'],
      handle(request, repository) {
        const run = runOf(request, repository);
        const named = run.artifacts.filter(({ name }) => name === (request.query.get('name') ?? name));
        return listAnswer(request, 'artifacts', named, (artifact) =>
          artifactAnswer(request, repository, run, artifact),
        );
      },
    },
    {
      method: 'GET',
      path: '/actions/artifacts/:artifact/zip',
      needs: ['actions', 'read'],
      handle(request, repository) {
        const wanted = param(request, 'artifact');
        const artifact = repository.runs
          .flatMap(({ artifacts }) => artifacts)
          .find(({ id }) => String(id) === wanted);
        if (!artifact) throw new Refusal(404, 'Not Found');
        return download('application/zip', Buffer.from(artifact.zip, 'base64'));
      },
    },
  ];
}

function download(type: string, body: Buffer): Answer {
  return { status: 200, headers: { 'content-type': type }, body };
}

function listRuns(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): Answer {
  const { query } = request;
  const workflow = request.params.workflow === undefined ? undefined : workflowOf(request, repository);
  const wanted = (name: string, ...values: (string | null)[]) =>
    !query.has(name) || values.includes(query.get(name));
  const runs = repository.runs
    .filter((run) => workflow === undefined || run.workflow_id === workflow.id)
    .filter(
      (run) =>
        wanted('event', run.event) && wanted('branch', run.head_branch) && wanted('head_sha', run.head_sha),
    )
    .filter((run) => wanted('status', run.status, run.conclusion) && wanted('actor', run.actor))
    .filter((run) => isCreated(run, query.get('created')))
    .toReversed();
  return listAnswer(request, 'workflow_runs', runs, (run) => runAnswer(hub, request, repository, run));
}

/** `created` in GitHub's search syntax: `>=T`, `>T`, `<=T`, `<T`, `T..T`, or the beginning of a time. */
function isCreated({ created_at }: RunRecord, created: string | null): boolean {
  if (!created) return true;
  const at = Date.parse(created_at);
  const [from, to] = created.split('..');
  if (from !== undefined && to !== undefined) {
    return at >= (Date.parse(from) || 0) && at <= (Date.parse(to) || Number.POSITIVE_INFINITY);
  }
  const [, operator = '', time = ''] = /^([<>]=?)?(.*)$/.exec(created) ?? [];
  const limit = Date.parse(time);
  switch (operator) {
    case '>=':
      return at >= limit;
    case '>':
      return at > limit;
    case '<=':
      return at <= limit;
    case '<':
      return at < limit;
    default:
      return created_at.startsWith(time);
  }
}

/** A queued run ends at once; one in progress ends when whoever executes it has seen that it should. */
function cancel(hub: Hub, run: RunRecord): Answer {
  if (run.status === 'completed') throw new Refusal(409, 'Cannot cancel a workflow run that is completed.');
  run.updated_at = timestamp(hub);
  if (run.status === 'queued') Object.assign(run, { status: 'completed', conclusion: 'cancelled' });
  else run.cancelling = true;
  hub.executions?.cancel(run);
  return { status: 202, body: {} };
}
