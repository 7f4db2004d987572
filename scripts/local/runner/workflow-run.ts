import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionOptions, UploadedArtifact } from './action.ts';
import { readDefinition } from './definition.ts';
import { type Contexts, isWanted, type Standing, type Value } from './expression.ts';
import { type Conclusion, type JobOutcome, runJob, type StepOutcome } from './job.ts';
import { RunLog } from './run-log.ts';

export interface WorkflowRunOptions {
  /** The workflow file's text. */
  readonly workflow: string;
  readonly event:
    | { readonly name: 'workflow_dispatch'; readonly inputs: Readonly<Record<string, string>> }
    | { readonly name: 'schedule'; readonly schedule: string };
  /** OWNER/NAME */
  readonly repository: string;
  readonly runId: number;
  readonly runNumber: number;
  readonly serverUrl: string;
  readonly apiUrl: string;
  readonly token: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly files: ActionOptions['files'];
  /** What the runner's machine has in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** A cancel. */
  readonly signal: AbortSignal;
  readonly progress?: (job: string, steps: readonly StepOutcome[], log: string) => void;
  readonly uploaded?: (artifact: UploadedArtifact) => void;
}

export interface WorkflowRunOutcome {
  readonly conclusion: Conclusion;
  readonly jobs: Readonly<Record<string, JobOutcome>>;
  readonly log: string;
  readonly annotations: RunLog['annotations'];
  readonly artifacts: readonly UploadedArtifact[];
}

const skipped: JobOutcome = { conclusion: 'skipped', steps: [], outputs: {}, summary: '' };

/** Carries a workflow out on this machine as GitHub's runner does on its own: each `run:` step for real, in order. */
export async function runWorkflow(options: WorkflowRunOptions): Promise<WorkflowRunOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'staging-refresh-runner-'));
  try {
    return await runJobs(options, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runJobs(options: WorkflowRunOptions, folder: string): Promise<WorkflowRunOutcome> {
  const definition = readDefinition(options.workflow);
  const log = new RunLog({ ...options.secrets, token: options.token });
  const artifacts: UploadedArtifact[] = [];
  const jobs: Record<string, JobOutcome> = {};
  const home = join(folder, 'home');
  await mkdir(home);
  for (const [name, job] of Object.entries(definition.jobs)) {
    const needed = job.needs === undefined ? undefined : jobs[job.needs];
    const contexts = {
      ...contextsOf(options, definition.booleanInputs),
      needs:
        job.needs && needed ? { [job.needs]: { result: needed.conclusion, outputs: needed.outputs } } : {},
    };
    const standing: Standing = {
      failed: needed !== undefined && needed.conclusion !== 'success',
      cancelled: options.signal.aborted,
    };
    if (!isWanted(job.if, contexts, standing)) {
      jobs[name] = skipped;
      continue;
    }
    const ownFolder = join(folder, name);
    await mkdir(ownFolder);
    jobs[name] = await runJob({
      definition: job,
      contexts,
      environment: { ...environmentOf(options), HOME: home },
      folder: ownFolder,
      log,
      signal: options.signal,
      files: options.files,
      upload(artifact) {
        artifacts.push(artifact);
        options.uploaded?.(artifact);
      },
      ended: (steps) => options.progress?.(name, steps, log.text),
    });
  }
  return {
    conclusion: concluded(Object.values(jobs)),
    jobs,
    log: log.text,
    annotations: log.annotations,
    artifacts,
  };
}

function concluded(jobs: readonly JobOutcome[]): Conclusion {
  const found = (conclusion: Conclusion) => jobs.some((job) => job.conclusion === conclusion);
  if (found('cancelled')) return 'cancelled';
  return found('failure') ? 'failure' : found('success') ? 'success' : 'skipped';
}

function contextsOf(options: WorkflowRunOptions, booleans: ReadonlySet<string>): Contexts {
  const { event } = options;
  const inputs: Record<string, Value> = {};
  if (event.name === 'workflow_dispatch') {
    for (const [name, text] of Object.entries(event.inputs))
      inputs[name] = booleans.has(name) ? text === 'true' : text;
  }
  return {
    github: {
      event_name: event.name,
      event: event.name === 'schedule' ? { schedule: event.schedule } : { inputs },
      repository: options.repository,
      run_id: options.runId,
      run_number: options.runNumber,
      server_url: options.serverUrl,
      token: options.token,
    },
    inputs,
    secrets: options.secrets,
    vars: options.variables,
    runner: { debug: '' },
    steps: {},
  };
}

function environmentOf(options: WorkflowRunOptions): Record<string, string> {
  return {
    ...options.environment,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: options.event.name,
    GITHUB_REPOSITORY: options.repository,
    GITHUB_RUN_ID: String(options.runId),
    GITHUB_RUN_NUMBER: String(options.runNumber),
    GITHUB_SERVER_URL: options.serverUrl,
    GITHUB_API_URL: options.apiUrl,
  };
}
