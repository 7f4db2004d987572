import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ActionOptions, useAction } from './action.ts';
import type { JobDefinition, StepDefinition } from './definition.ts';
import { type Contexts, interpolate, isWanted, type Standing, type Value } from './expression.ts';
import type { RunLog } from './run-log.ts';
import { runScript } from './script.ts';

export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

export interface StepOutcome {
  readonly name: string;
  readonly conclusion: Conclusion;
}

export interface JobOptions {
  readonly definition: JobDefinition;
  /** Of the workflow: `github`, `inputs`, `needs`, `secrets`, `vars`, `runner`. */
  readonly contexts: Contexts;
  /** Variables of every `run:` step, beside those of its own. */
  readonly environment: Readonly<Record<string, string>>;
  /** An empty folder of the job's own. */
  readonly folder: string;
  readonly log: RunLog;
  readonly signal: AbortSignal;
  readonly files: ActionOptions['files'];
  readonly upload: ActionOptions['upload'];
  readonly ended: (steps: readonly StepOutcome[]) => void;
}

export interface JobOutcome {
  readonly conclusion: Conclusion;
  readonly steps: readonly StepOutcome[];
  readonly outputs: Readonly<Record<string, string>>;
  /** Markdown that the steps wrote. */
  readonly summary: string;
}

const runnerFiles = { GITHUB_ENV: 'env', GITHUB_OUTPUT: 'output', GITHUB_STEP_SUMMARY: 'summary' } as const;

/** One job, step after step: a failed or cancelled one skips what follows, but for what its `if` demands. */
export async function runJob(options: JobOptions): Promise<JobOutcome> {
  const job = new Job(options);
  await job.prepare();
  for (const step of options.definition.steps) await job.take(step);
  return job.outcome();
}

class Job {
  readonly #options: JobOptions;
  readonly #outcomes: StepOutcome[] = [];
  readonly #steps: Record<string, Value> = {};
  #environment: Readonly<Record<string, string>>;
  #summary = '';
  #failed = false;

  constructor(options: JobOptions) {
    this.#options = options;
    const files = Object.entries(runnerFiles).map(([name, file]) => [name, join(options.folder, file)]);
    this.#environment = {
      ...options.environment,
      ...Object.fromEntries(files),
      GITHUB_WORKSPACE: this.#workspace,
      RUNNER_TEMP: options.folder,
    };
  }

  async prepare(): Promise<void> {
    await mkdir(this.#workspace, { recursive: true });
  }

  async take(step: StepDefinition): Promise<void> {
    const wanted = isWanted(step.if, this.#contexts(), this.#standing());
    const outcome = wanted ? await this.#carryOut(step) : 'skipped';
    // A cancel that came while a step ran counts from the next one on.
    const forgiven = outcome === 'failure' && step['continue-on-error'];
    if (outcome === 'failure' && !forgiven) this.#failed = true;
    const conclusion = forgiven ? 'success' : outcome;
    this.#outcomes.push({ name: step.name, conclusion });
    if (step.id) this.#steps[step.id] = { outcome, conclusion, outputs: await this.#outputs() };
    this.#options.ended([...this.#outcomes]);
  }

  outcome(): JobOutcome {
    const { definition, signal } = this.#options;
    const outputs = Object.entries(definition.outputs).map(([name, text]) => [
      name,
      interpolate(text, this.#contexts(), this.#standing()),
    ]);
    return {
      conclusion: signal.aborted ? 'cancelled' : this.#failed ? 'failure' : 'success',
      steps: this.#outcomes,
      outputs: Object.fromEntries(outputs),
      summary: this.#summary,
    };
  }

  async #carryOut(step: StepDefinition): Promise<Conclusion> {
    const { log, signal } = this.#options;
    log.say(`##[group]${step.name}`);
    for (const file of Object.values(runnerFiles)) await writeFile(join(this.#options.folder, file), '');
    const cancelledBefore = signal.aborted;
    try {
      const code = await this.#work(step);
      if (code === 0) return 'success';
      log.say(`##[error]Process completed with exit code ${code ?? 'of a signal'}.`);
      return signal.aborted && !cancelledBefore ? 'cancelled' : 'failure';
    } catch (error) {
      log.say(`##[error]${error instanceof Error ? error.message : String(error)}`);
      return 'failure';
    } finally {
      log.say('##[endgroup]');
      this.#summary += await readFile(join(this.#options.folder, runnerFiles.GITHUB_STEP_SUMMARY), 'utf8');
      this.#environment = { ...this.#environment, ...(await this.#pairs('env')) };
    }
  }

  async #work(step: StepDefinition): Promise<number | undefined> {
    const { log, files, upload, folder, signal } = this.#options;
    const filled = (values: Readonly<Record<string, string | number | boolean>>) =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          interpolate(String(value), this.#contexts(), this.#standing()),
        ]),
      );
    const hear = (line: string) => log.hear(line);
    if (step.uses !== undefined) {
      await useAction(step.uses, {
        inputs: filled(step.with),
        workspace: this.#workspace,
        files,
        upload,
        say: hear,
      });
      return 0;
    }
    // What always runs is not interrupted by the cancel that it follows.
    const own = signal.aborted ? new AbortController().signal : signal;
    return await runScript({
      run: step.run ?? '',
      workspace: this.#workspace,
      temporary: folder,
      environment: { ...this.#environment, ...filled(step.env) },
      signal: own,
      hear,
    });
  }

  get #workspace(): string {
    return join(this.#options.folder, 'workspace');
  }

  #contexts(): Contexts {
    return { ...this.#options.contexts, steps: this.#steps };
  }

  #standing(): Standing {
    return { failed: this.#failed, cancelled: this.#options.signal.aborted };
  }

  async #outputs(): Promise<Record<string, string>> {
    return await this.#pairs('output');
  }

  /** `name=value` lines, the short form of GitHub's environment files. */
  async #pairs(file: 'env' | 'output'): Promise<Record<string, string>> {
    const text = await readFile(join(this.#options.folder, file), 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line.includes('='));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }
}
