import { createHash } from 'node:crypto';
import type { GitHubRequest } from './access.ts';
import {
  type ArtifactRecord,
  type Hub,
  type JobRecord,
  nodeId,
  pageUrl,
  type RepositoryRecord,
  type RunRecord,
  repositoryUrl,
} from './hub.ts';
import { accountAnswer } from './repositories.ts';

export function runAnswer(
  hub: Hub,
  request: GitHubRequest,
  repository: RepositoryRecord,
  run: RunRecord,
): Record<string, unknown> {
  const url = `${repositoryUrl(request, repository)}/actions/runs/${run.id}`;
  const actor = accountAnswer(hub, request, run.actor);
  return {
    id: run.id,
    node_id: nodeId('WFR', run.id),
    name: run.name,
    path: run.path,
    display_title: run.display_title,
    run_number: run.run_number,
    run_attempt: 1,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflow_id,
    head_branch: run.head_branch,
    head_sha: run.head_sha,
    created_at: run.created_at,
    updated_at: run.updated_at,
    run_started_at: run.created_at,
    actor,
    triggering_actor: actor,
    pull_requests: [],
    url,
    html_url: `${pageUrl(request, repository)}/actions/runs/${run.id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    workflow_url: `${repositoryUrl(request, repository)}/actions/workflows/${run.workflow_id}`,
    repository: {
      id: repository.id,
      name: repository.name,
      full_name: `${repository.owner}/${repository.name}`,
    },
  };
}

/** A job is as far as its run is. */
export function jobAnswer(
  request: GitHubRequest,
  repository: RepositoryRecord,
  run: RunRecord,
  job: JobRecord,
): Record<string, unknown> {
  const api = repositoryUrl(request, repository);
  return {
    id: job.id,
    node_id: nodeId('CR', job.id),
    run_id: run.id,
    run_url: `${api}/actions/runs/${run.id}`,
    run_attempt: 1,
    workflow_name: run.name,
    head_branch: run.head_branch,
    head_sha: run.head_sha,
    name: job.name,
    status: run.status,
    conclusion: run.conclusion && (job.conclusion ?? run.conclusion),
    created_at: run.created_at,
    started_at: run.created_at,
    completed_at: run.status === 'completed' ? run.updated_at : null,
    steps: job.steps.map(({ name, conclusion }, index) => ({
      name,
      conclusion,
      status: conclusion === null ? 'queued' : 'completed',
      number: index + 1,
    })),
    url: `${api}/actions/jobs/${job.id}`,
    html_url: `${pageUrl(request, repository)}/actions/runs/${run.id}/job/${job.id}`,
    labels: ['ubuntu-latest'],
    runner_id: null,
    runner_name: null,
  };
}

export function artifactAnswer(
  request: GitHubRequest,
  repository: RepositoryRecord,
  run: RunRecord,
  { id, name, created_at, zip }: ArtifactRecord,
): Record<string, unknown> {
  const url = `${repositoryUrl(request, repository)}/actions/artifacts/${id}`;
  const bytes = Buffer.from(zip, 'base64');
  return {
    id,
    node_id: nodeId('MDg', id),
    name,
    size_in_bytes: bytes.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    url,
    archive_download_url: `${url}/zip`,
    expired: false,
    created_at,
    updated_at: created_at,
    expires_at: null,
    workflow_run: { id: run.id, head_branch: run.head_branch, head_sha: run.head_sha },
  };
}
