import * as z from 'zod';
import { parseBody } from '../body.ts';
import { type Answer, param, Refusal } from '../route.ts';
import type { GitHubRequest } from './access.ts';
import { findCommit, historyOf } from './history.ts';
import {
  type Hub,
  nextId,
  nodeId,
  pageUrl,
  type RepositoryRecord,
  type RepositoryRoute,
  type RunRecord,
  repositoryUrl,
  type Schema,
  timestamp,
} from './hub.ts';
import { listAnswer } from './list.ts';
import { readWorkflow, runTitle, type WorkflowFile, workflowsOf } from './workflow-file.ts';

const one = '/actions/workflows/:workflow';

const dispatchSchema = z.object({
  ref: z.string({ error: "wasn't supplied" }).min(1),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  return_run_details: z.boolean().default(false),
});

/** Workflows of the default branch: list, read, start by hand, switch off and on. */
export function workflowRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: '/actions/workflows',
      needs: ['actions', 'read'],
      handle: (request, repository) =>
        listAnswer(request, 'workflows', workflowsOf(repository), (workflow) =>
          workflowAnswer(request, repository, workflow),
        ),
    },
    {
      method: 'GET',
      path: one,
      needs: ['actions', 'read'],
      handle: (request, repository) => ({
        status: 200,
        body: workflowAnswer(request, repository, workflowOf(request, repository)),
      }),
    },
    {
      method: 'POST',
      path: `${one}/dispatches`,
      needs: ['actions', 'write'],
      handle: (request, repository) => dispatch(hub, request, repository),
    },
    {
      method: 'PUT',
      path: `${one}/enable`,
      needs: ['actions', 'write'],
      handle(request, repository) {
        delete repository.disabled[workflowOf(request, repository).id];
        return { status: 204 };
      },
    },
    {
      method: 'PUT',
      path: `${one}/disable`,
      needs: ['actions', 'write'],
      handle(request, repository) {
        repository.disabled[workflowOf(request, repository).id] = 'disabled_manually';
        return { status: 204 };
      },
    },
  ];
}

/** The workflow that the path names by its id or its file's name. Throws a 404. */
export function workflowOf(request: GitHubRequest, repository: RepositoryRecord): WorkflowFile {
  const name = param(request, 'workflow');
  const found = workflowsOf(repository).find(
    ({ id, path }) => String(id) === name || path === `.github/workflows/${name}` || path === name,
  );
  if (!found) throw new Refusal(404, 'Not Found');
  return found;
}

function dispatch(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): Answer {
  const known = workflowOf(request, repository);
  const { ref, inputs, return_run_details } = parseBody(dispatchSchema, request.body);
  const branch = ref.replace(/^refs\/heads\//, '');
  const commit = repository.branches[branch] && findCommit(repository, branch);
  if (!commit) throw new Refusal(422, `No ref found for: ${ref}`);
  if (repository.disabled[known.id])
    throw new Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow");
  const workflow = readWorkflow(repository, commit, known.path);
  if (!workflow?.inputs) throw new Refusal(422, "Workflow does not have 'workflow_dispatch' trigger");
  const run = newRun(hub, request, repository, workflow, {
    branch,
    sha: commit.sha,
    inputs: acceptInputs(workflow.inputs, inputs),
  });
  repository.runs.push(run);
  hub.executions?.start(repository, run, request.origin);
  if (!return_run_details || !hub.tellsRuns) return { status: 204 };
  const run_url = `${repositoryUrl(request, repository)}/actions/runs/${run.id}`;
  const html_url = `${pageUrl(request, repository)}/actions/runs/${run.id}`;
  return {
    status: 200,
    body: { workflow_run_id: run.id, run_url, html_url } satisfies Schema['workflow-dispatch-response'],
  };
}

/** Every input of the workflow as text, what was not given at its default. Throws the 422s of GitHub. */
function acceptInputs(
  declared: NonNullable<WorkflowFile['inputs']>,
  given: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> {
  const unexpected = Object.keys(given).filter((name) => !(name in declared));
  if (unexpected.length > 0)
    throw new Refusal(422, `Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  const inputs: Record<string, string> = {};
  for (const [name, input] of Object.entries(declared)) {
    const value = given[name] ?? input.default;
    if (value === undefined && input.required)
      throw new Refusal(422, `Required input '${name}' not provided`);
    if (input.options && value !== undefined && !input.options.includes(String(value))) {
      throw new Refusal(
        422,
        `Provided value '${value}' for input '${name}' not in the list of allowed values`,
      );
    }
    inputs[name] = String(value ?? (input.type === 'boolean' ? false : ''));
  }
  return inputs;
}

function newRun(
  hub: Hub,
  request: GitHubRequest,
  repository: RepositoryRecord,
  workflow: WorkflowFile,
  from: { readonly branch: string; readonly sha: string; readonly inputs: Readonly<Record<string, string>> },
): RunRecord {
  const run_number = repository.runs.filter(({ workflow_id }) => workflow_id === workflow.id).length + 1;
  const now = timestamp(hub);
  return {
    id: nextId(hub),
    workflow_id: workflow.id,
    path: workflow.path,
    name: workflow.name,
    display_title: runTitle(workflow, from.inputs, run_number),
    run_number,
    event: 'workflow_dispatch',
    head_branch: from.branch,
    head_sha: from.sha,
    actor: request.access.login,
    inputs: from.inputs,
    created_at: now,
    updated_at: now,
    status: 'queued',
    conclusion: null,
    jobs: workflow.jobs.map((name) => ({ id: nextId(hub), name, steps: [] })),
    log: '',
    artifacts: [],
  };
}

function workflowAnswer(
  request: GitHubRequest,
  repository: RepositoryRecord,
  { id, name, path }: WorkflowFile,
): Schema['workflow'] {
  const history = historyOf(repository, findCommit(repository, repository.default_branch), path);
  const page = pageUrl(request, repository);
  return {
    id,
    node_id: nodeId('W', id),
    name,
    path,
    state: repository.disabled[id] ?? 'active',
    created_at: history.at(-1)?.committer.date ?? repository.created_at,
    updated_at: history[0]?.committer.date ?? repository.created_at,
    url: `${repositoryUrl(request, repository)}/actions/workflows/${id}`,
    html_url: `${page}/blob/${repository.default_branch}/${path}`,
    badge_url: `${page}/actions/workflows/${path.slice(path.lastIndexOf('/') + 1)}/badge.svg`,
  };
}
