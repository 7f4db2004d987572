import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCode, workflow } from '../../contract.ts';
import type { WorkflowRun } from '../../github/answers.ts';
import type { GitHub } from '../../github/client.ts';
import { readZipEntry } from '../../github/zip.ts';
import { asError, type ErrorCode, errorRegistry, RefreshError } from '../../model/errors.ts';
import { type Summary, summarySchema } from '../../model/report.ts';
import type { Log } from '../../model/run.ts';
import { withoutRows } from '../../stages/notify/facts.ts';

export interface Dispatch {
  readonly gitHub: GitHub;
  /** Cancels the run when this process is interrupted. */
  readonly ending: GitHub;
  readonly ref: string;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface DispatchResult {
  /** Undefined where the run left none. */
  readonly summary: Summary | undefined;
  /** Set unless staging was refreshed and nothing failed afterwards. */
  readonly error: RefreshError | undefined;
}

/** GitHub needs a moment to know a workflow that was just committed, and a run that was just started. */
const patienceMs = 30_000;

/** Starts the workflow, follows it to its end, and brings its summary home. */
export async function carryOutOnGitHub(dispatch: Dispatch): Promise<DispatchResult> {
  let started: WorkflowRun | undefined;
  try {
    await awaitWorkflow(dispatch);
    started = await start(dispatch);
    const run = await follow(dispatch, started);
    return judge(run, await bringHome(dispatch, run));
  } catch (cause) {
    if (!dispatch.signal.aborted) throw cause;
    if (started) await cancel(dispatch, started.id);
    throw dispatch.signal.reason;
  }
}

async function awaitWorkflow({ gitHub, signal }: Dispatch): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      const { state } = await gitHub.workflow(workflow.file);
      if (state === 'active') return;
      throw new RefreshError('api-refused', `the workflow is switched off (${state})`, {
        object: workflow.path,
        hint: 'Actions, the workflow, "Enable workflow"',
      });
    } catch (error) {
      const unknown = error instanceof RefreshError && error.message.startsWith('GitHub finds no');
      if (!unknown || Date.now() > deadline) throw error;
      await sleep(2000, undefined, { signal });
    }
  }
}

/** By its id where GitHub tells it, else by the nonce in its title. */
async function start({ gitHub, ref, pollMs, signal, log }: Dispatch): Promise<WorkflowRun> {
  const nonce = randomUUID();
  const since = new Date(Date.now() - 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const id = await gitHub.dispatch(workflow.file, ref, { [workflow.nonceInput]: nonce });
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found =
      id === undefined
        ? (await gitHub.runs(workflow.file, { event: 'workflow_dispatch', created: `>=${since}` })).find(
            (run) => run.display_title.includes(nonce),
          )
        : await gitHub.run(id);
    if (found) {
      log.phase('on GitHub');
      log.info(`log: ${found.html_url}`);
      return found;
    }
    if (Date.now() > deadline) {
      throw new RefreshError('workflow-failed', 'GitHub took the order, and no run came of it', {
        object: workflow.path,
        hint: `look on the repository’s page, Actions, for a run with ${nonce} in its title`,
      });
    }
    await sleep(pollMs, undefined, { signal });
  }
}

async function follow({ gitHub, pollMs, signal, log }: Dispatch, started: WorkflowRun): Promise<WorkflowRun> {
  const told = new Set<string>();
  const tell = (line: string) => {
    if (told.has(line)) return;
    told.add(line);
    log.info(line);
  };
  for (;;) {
    const run = await gitHub.run(started.id);
    if (run.status === 'waiting') tell(`waiting for an approval: ${run.html_url}`);
    const job = (await gitHub.jobs(run.id)).find(({ name }) => name === workflow.job);
    for (const { name, conclusion } of job?.steps ?? []) {
      if (conclusion !== null && conclusion !== 'skipped') tell(`${conclusion}: ${name}`);
    }
    if (run.status === 'completed') return run;
    await sleep(pollMs, undefined, { signal });
  }
}

async function bringHome({ gitHub, log }: Dispatch, run: WorkflowRun): Promise<Summary | undefined> {
  const zip = await gitHub.artifact(run.id, `${workflow.reportArtifactName}-${run.run_number}`);
  const text = zip && readZipEntry(zip, workflow.summaryFile)?.toString('utf8');
  if (!text) {
    log.info('the run left no report');
    return undefined;
  }
  const { error, ...summary } = summarySchema.parse(JSON.parse(text));
  // Its message may quote a row, and this machine was not to see any.
  return error
    ? { ...summary, error: { message: 'the log says more', ...withoutRows(error, summary.exitCode) } }
    : summary;
}

/** Pure: what became of the refresh, from GitHub's word and the engine's own. */
export function judge(run: WorkflowRun, summary: Summary | undefined): DispatchResult {
  const details = { object: run.html_url, hint: 'the log on that page says more' };
  if (!summary) {
    const how = run.conclusion ?? 'unknown';
    return {
      summary,
      error: new RefreshError('workflow-failed', `the run on GitHub left no report (${how})`, details),
    };
  }
  const { error } = summary;
  if (error) {
    const code = error.code in errorRegistry ? (error.code as ErrorCode) : 'workflow-failed';
    return {
      summary,
      error: new RefreshError(code, error.message, {
        ...details,
        ...(error.hint ? { hint: error.hint } : {}),
      }),
    };
  }
  if (run.conclusion === 'success' && summary.exitCode === exitCode.ok) return { summary, error: undefined };
  // Staging is new, and a later step, such as the upload, failed.
  const message = `staging is refreshed, but the run on GitHub ended with ${run.conclusion ?? 'nothing'}`;
  return { summary, error: new RefreshError('published-with-failures', message, details) };
}

async function cancel({ ending, log }: Dispatch, id: number): Promise<void> {
  try {
    await ending.cancel(id);
    log.warn('interrupted: the run on GitHub is cancelled, too');
  } catch (error) {
    const why = asError(error).message;
    log.warn(`interrupted, but the run on GitHub goes on: ${why}`);
  }
}
