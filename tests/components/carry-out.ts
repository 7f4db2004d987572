import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { engineFlags } from '../../components/engine-flags.ts';
import { renderWorkflow } from '../../components/workflow.ts';
import { bundleEngine } from '../../scripts/bundle.ts';
import { workflow } from '../../scripts/contract.ts';
import { runWorkflow, type WorkflowRunOutcome } from '../../scripts/local/runner/workflow-run.ts';
import type { Service } from '../digitalocean/service.ts';
import { workflowArgs } from './workflow-args.ts';

const bundle = Buffer.from(await bundleEngine());
const files = new Map([[`${workflow.folder}/${workflow.bundle}`, bundle]]);
/** What stays in a runner's environment; all else of it are the repository's secrets. */
const machine = ['PATH', 'PG_BINDIR', 'DO_API_URL'];

/** What a run is given beside the scenario's environment: inputs of one by hand, or the schedule that started it. */
export interface Given {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly schedule?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly holdUntil?: string;
}

/** The workflow as the stack renders it, carried out step by step against the test's own servers and APIs. */
export async function carryOut(service: Service, given: Given = {}): Promise<WorkflowRunOutcome> {
  const all = { ...service.environment, ...given.secrets };
  const entries = Object.entries(all).filter(([name]) => name !== 'XDG_STATE_HOME');
  const secrets = Object.fromEntries(entries.filter(([name]) => !machine.includes(name)));
  const settings = {
    strategy: 'swap',
    artifactRecipient: undefined,
    openProductionTrustedSources: true,
    runnerAddress: '203.0.113.7',
    notifyFormat: 'slack',
    notifyStart: false,
    runFlags: [],
  } as const;
  const text = renderWorkflow({
    ...workflowArgs,
    flags: engineFlags(settings, { policy: undefined, owner: undefined, openStaging: true }),
    secrets: Object.keys(secrets),
    holdUntil: given.holdUntil,
  });
  return await runWorkflow({
    workflow: text,
    event:
      given.schedule === undefined
        ? {
            name: 'workflow_dispatch',
            inputs: { dry_run: 'false', debug: 'false', skip_artifact: 'false', ...given.inputs },
          }
        : { name: 'schedule', schedule: given.schedule },
    repository: 'acme/shop',
    runId: 77,
    runNumber: 12,
    serverUrl: 'https://github.example',
    apiUrl: 'http://127.0.0.1:9',
    token: 'ghs_token-of-the-job',
    secrets,
    variables: given.variables ?? {},
    files: () => files,
    environment: Object.fromEntries(entries.filter(([name]) => machine.includes(name))),
    signal: given.signal ?? new AbortController().signal,
  });
}

/** How each step of the refreshing job ended, by its name. */
export function stepsOf({ jobs }: WorkflowRunOutcome): Record<string, string> {
  return Object.fromEntries(
    (jobs[workflow.job]?.steps ?? []).map(({ name, conclusion }) => [name, conclusion]),
  );
}

/** No secret, and nothing that can be taken from one, is in the log or the summary. */
export function assertSecret(outcome: WorkflowRunOutcome, service: Service): void {
  const { PRODUCTION_DB_URL = '', STAGING_DB_URL = '', DO_API_TOKEN = '' } = service.environment;
  const passwords = [PRODUCTION_DB_URL, STAGING_DB_URL].map((url) => new URL(url).password);
  for (const secret of [...passwords, ...passwords.map(decodeURIComponent), DO_API_TOKEN]) {
    assert.ok(secret.length > 4);
    assert.ok(!outcome.log.includes(secret), 'a secret is in the log');
    assert.ok(!JSON.stringify(outcome.jobs).includes(secret), 'a secret is in an output or summary');
  }
}

/** `kill -9` of the engine that this process's runner has started, and of no other. */
export async function killEngine(): Promise<void> {
  const engines: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const parent = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const isOurs = Number(parent.split(' ')[3]) === process.pid;
    if (isOurs && line.includes(`${workflow.bundle}\0run`)) engines.push(Number(name));
  }
  assert.equal(engines.length, 1);
  process.kill(engines[0] ?? assert.fail(), 'SIGKILL');
}
