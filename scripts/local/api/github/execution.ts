import { runWorkflow } from '../../runner/workflow-run.ts';
import { contentOf, findCommit } from './history.ts';
import { type Hub, nextId, type RepositoryRecord, type RunRecord, timestamp } from './hub.ts';
import { openSecrets } from './sealed-box.ts';

/** A machine that carries runs out, as one of GitHub's own does. */
export interface RunnerMachine {
  /** Its environment: PATH, and where the local stack's tools and APIs are. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs that were dispatched, carried out one after the other as their concurrency group demands. */
export class Executions {
  readonly #hub: Hub;
  readonly #machine: RunnerMachine;
  readonly #token: string;
  readonly #save: () => void;
  readonly #cancels = new Map<number, AbortController>();
  #last: Promise<void> = Promise.resolve();

  constructor(hub: Hub, machine: RunnerMachine, token: string, save: () => void) {
    this.#hub = hub;
    this.#machine = machine;
    this.#token = token;
    this.#save = save;
  }

  /** `origin`: address of this API, as whoever dispatched the run reached it. */
  start(repository: RepositoryRecord, run: RunRecord, origin: string): void {
    const controller = new AbortController();
    this.#cancels.set(run.id, controller);
    this.#last = this.#last
      .then(() => this.#carryOut(repository, run, origin, controller.signal))
      .catch((error: unknown) => this.#giveUp(run, error))
      .finally(() => this.#cancels.delete(run.id));
  }

  cancel(run: RunRecord): void {
    this.#cancels.get(run.id)?.abort();
  }

  /** Cancels what is under way and waits for its end. */
  async close(): Promise<void> {
    for (const controller of this.#cancels.values()) controller.abort();
    await this.#last;
  }

  async #carryOut(
    repository: RepositoryRecord,
    run: RunRecord,
    origin: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (run.status === 'completed') return;
    this.#move(run, { status: 'in_progress' });
    const outcome = await runWorkflow({
      workflow: filesOf(repository, run.head_sha).get(run.path)?.toString('utf8') ?? '',
      event: { name: 'workflow_dispatch', inputs: run.inputs },
      repository: `${repository.owner}/${repository.name}`,
      runId: run.id,
      runNumber: run.run_number,
      serverUrl: new URL(origin).origin,
      apiUrl: origin,
      token: this.#token,
      secrets: await this.#secretsOf(repository),
      variables: Object.fromEntries(repository.variables.map(({ name, value }) => [name, value])),
      files: (branch) => filesOf(repository, branch),
      environment: this.#machine.environment,
      signal,
      progress: (job, steps, log) => {
        run.jobs = run.jobs.map((each) => (each.name === job ? { ...each, steps } : each));
        this.#move(run, { log });
      },
      uploaded: ({ name, zip }) => {
        const id = nextId(this.#hub);
        run.artifacts.push({ id, name, created_at: timestamp(this.#hub), zip: zip.toString('base64') });
      },
    });
    run.jobs = run.jobs.map((job) => ({
      ...job,
      conclusion: outcome.jobs[job.name]?.conclusion ?? 'skipped',
    }));
    this.#move(run, { status: 'completed', conclusion: outcome.conclusion, log: outcome.log });
  }

  /** The runner's own failure, such as a workflow that it can't read. */
  #giveUp(run: RunRecord, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#move(run, {
      status: 'completed',
      conclusion: 'failure',
      log: `${run.log}the runner failed: ${why}\n`,
    });
  }

  /** The repository's, and those of its environments, of which the workflow names one at most. */
  async #secretsOf(repository: RepositoryRecord): Promise<Record<string, string>> {
    const shelves = [repository.secrets, ...repository.environments.map(({ secrets }) => secrets)];
    return await openSecrets(repository.key, shelves.flat());
  }

  #move(run: RunRecord, change: Partial<RunRecord>): void {
    Object.assign(run, change, { updated_at: timestamp(this.#hub) });
    this.#save();
  }
}

function filesOf(repository: RepositoryRecord, ref: string): ReadonlyMap<string, Buffer> {
  const files = Object.entries(findCommit(repository, ref)?.files ?? {});
  return new Map(files.map(([path, sha]) => [path, contentOf(repository, sha)]));
}
