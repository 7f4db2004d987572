import type * as z from 'zod';
import type { ApiAccess } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import type { TransportOptions } from '../system/api-call.ts';
import {
  artifactsAnswer,
  dispatchAnswer,
  jobsAnswer,
  runAnswer,
  runsAnswer,
  type WorkflowJob,
  type WorkflowRun,
  workflowAnswer,
} from './answers.ts';
import { type Call, Transport } from './transport.ts';

const read = { method: 'GET', permission: 'Actions: read' } as const;
const write = { method: 'POST', permission: 'Actions: read and write' } as const;

/** What a refresh needs of GitHub: its own workflow, started and followed. */
export class GitHub {
  readonly #transport: Transport;
  readonly #repository: string;

  /** `repository` reads OWNER/NAME. */
  constructor(access: ApiAccess, repository: string, options?: TransportOptions) {
    this.#transport = new Transport(access, options);
    this.#repository = repository;
  }

  /** The workflow in that file (its name without folders): `active`, or why it doesn't run. */
  async workflow(file: string): Promise<z.infer<typeof workflowAnswer>> {
    return await this.#read(`/actions/workflows/${file}`, `workflow ${file}`, workflowAnswer);
  }

  /** Starts the workflow; the run's id where GitHub tells it. */
  async dispatch(
    file: string,
    ref: string,
    inputs: Readonly<Record<string, string>>,
  ): Promise<number | undefined> {
    const call = this.#call(write, `/actions/workflows/${file}/dispatches`, `workflow ${file}`);
    const body = { ref, inputs, return_run_details: true };
    return (await this.#transport.json({ ...call, body }, dispatchAnswer))?.workflow_run_id;
  }

  /** Runs of the workflow, newest first. `query` as GitHub's description has it: event, status, created. */
  async runs(file: string, query: Readonly<Record<string, string>>): Promise<WorkflowRun[]> {
    const all: WorkflowRun[] = [];
    for (let page = 1; ; page++) {
      const search = new URLSearchParams({ ...query, per_page: '100', page: String(page) });
      const path = `/actions/workflows/${file}/runs?${search}`;
      const { total_count, workflow_runs } = await this.#read(path, `workflow ${file}`, runsAnswer);
      all.push(...workflow_runs);
      if (workflow_runs.length === 0 || all.length >= total_count) return all;
    }
  }

  async run(id: number): Promise<WorkflowRun> {
    return await this.#read(`/actions/runs/${id}`, `run ${id}`, runAnswer);
  }

  async jobs(id: number): Promise<WorkflowJob[]> {
    return (await this.#read(`/actions/runs/${id}/jobs?per_page=100`, `run ${id}`, jobsAnswer)).jobs;
  }

  /** Asks for the run's end; its clean-up steps still run. */
  async cancel(id: number): Promise<void> {
    await this.#transport.send(this.#call(write, `/actions/runs/${id}/cancel`, `run ${id}`));
  }

  /** The run's artifact of that name as a zip file; undefined where there is none. */
  async artifact(run: number, name: string): Promise<Buffer | undefined> {
    const path = `/actions/runs/${run}/artifacts?${new URLSearchParams({ name, per_page: '100' })}`;
    const { artifacts } = await this.#read(path, `run ${run}`, artifactsAnswer);
    const found = artifacts.find((artifact) => artifact.name === name && !artifact.expired);
    if (!found) return undefined;
    const call = this.#call(read, `/actions/artifacts/${found.id}/zip`, `artifact ${name}`);
    return await this.#transport.send(call);
  }

  async #read<Answer>(path: string, object: string, answer: z.ZodType<Answer>): Promise<Answer> {
    const found = await this.#transport.json(this.#call(read, path, object), answer);
    if (found !== undefined) return found;
    throw new RefreshError('api-unavailable', 'GitHub’s answer is empty', { object: path });
  }

  #call<Kind extends Pick<Call, 'method' | 'permission'>>(kind: Kind, path: string, object: string) {
    return { ...kind, path: `/repos/${this.#repository}${path}`, object: `${object} in ${this.#repository}` };
  }
}
