import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { renderWorkflow, type WorkflowArgs } from '../../components/workflow.ts';
import { workflowArgs } from './workflow-args.ts';

/** A stack that has chosen everything. */
export const args: WorkflowArgs = {
  ...workflowArgs,
  flags: [
    ...['--summary', '--owner', 'app', '--policy', '.github/staging-refresh/refresh.policy.yaml'],
    ...['--open-trusted-sources', 'staging,production', '--runner-address', 'https://ip.example'],
  ],
  secrets: [
    ...['DO_API_TOKEN', 'PROD_DB_CLUSTER_ID', 'PRODUCTION_DB_URL'],
    ...['STAGING_DB_CLUSTER_ID', 'STAGING_DB_URL', 'REFRESH_NOTIFY_URL'],
  ],
  dispatchEvent: 'staging-refreshed',
};

export interface Step {
  readonly name: string;
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly 'timeout-minutes'?: number;
}
export interface Job {
  readonly if?: string;
  readonly needs?: string;
  readonly 'timeout-minutes': number;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: object;
  readonly steps: readonly Step[];
}

export const text = renderWorkflow(args);
export const workflow = parse(text);
export const jobs: Readonly<Record<string, Job>> = workflow.jobs;
export const job = jobs['restore-from-do-backup'] ?? assert.fail();
export const everyStep = Object.values(jobs).flatMap(({ steps }) => steps);

export function stepNamed(name: string): Step {
  const step = job.steps.find((each) => each.name === name);
  assert.ok(step, name);
  return step;
}

export function expression(name: string): string {
  return `\${{ ${name} }}`;
}
