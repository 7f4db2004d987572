import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import sodium from 'libsodium-wrappers';
import { renderWorkflow } from '../../components/workflow.ts';
import { bundleEngine } from '../../scripts/bundle.ts';
import { workflow } from '../../scripts/contract.ts';
import type { GitHubOptions } from '../../scripts/local/api/github.ts';
import { summarySchema } from '../../scripts/model/report.ts';
import { workflowArgs } from '../components/workflow-args.ts';
import { startWeb } from '../digitalocean/service.ts';
import { type Emulation, startGitHub, stoppedClock, token } from '../local/api/emulation.ts';
import {
  databasesBeside,
  makeScenario,
  type Scenario,
  slowProduction,
  untilSlow,
} from '../support/scenario.ts';
import { command, startCommand } from './command.ts';

const bundle = await bundleEngine();
const machine = ['PATH', 'PG_BINDIR'];

interface Repository extends Emulation {
  /** What `refresh dispatch` has on its machine: no address of a database. */
  readonly environment: Record<string, string>;
}

/** An emulated GitHub that carries out what it is told to start, with the workflow and its secrets in `acme/shop`. */
async function startRepository(
  t: TestContext,
  scenario: Scenario,
  options: Partial<GitHubOptions> & { readonly secrets?: Readonly<Record<string, string>> } = {},
): Promise<Repository> {
  const { secrets: changed, ...gitHubOptions } = options;
  const entries = Object.entries({ ...scenario.environment, ...changed });
  const secrets = entries.filter(([name]) => !machine.includes(name));
  const text = renderWorkflow({
    ...workflowArgs,
    secrets: secrets.map(([name]) => name),
    dispatchEvent: 'staging-refreshed',
  });
  const files = { [workflow.path]: text, [`${workflow.folder}/${workflow.bundle}`]: bundle };
  const emulation = await startGitHub(t, {
    repositories: [{ owner: 'acme', name: 'shop', files }],
    runner: { environment: Object.fromEntries(entries.filter(([name]) => machine.includes(name))) },
    ...gitHubOptions,
  });
  for (const [name, value] of secrets) await keepSecret(emulation, name, value);
  return {
    ...emulation,
    environment: {
      PATH: scenario.environment.PATH ?? '',
      GITHUB_API_URL: emulation.url,
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_TOKEN: token,
    },
  };
}

async function keepSecret({ call }: Emulation, name: string, value: string): Promise<void> {
  await sodium.ready;
  const shelf = '/repos/acme/shop/actions/secrets';
  const { key, key_id } = (await call('GET', `${shelf}/public-key`)).body;
  const box = sodium.crypto_box_seal(Buffer.from(value), Buffer.from(key, 'base64'));
  const encrypted_value = Buffer.from(box).toString('base64');
  await call('PUT', `${shelf}/${name}`, { body: { key_id, encrypted_value } });
}

const words = ['dispatch', '--repository', 'acme/shop', '--poll', '0.1'];

test('success: the workflow is started and followed, its link told, its summary brought home', async (t) => {
  await using scenario = await makeScenario();
  const repository = await startRepository(t, scenario);
  const { stdout, stderr } = await command(repository.environment, words);
  const summary = summarySchema.parse(JSON.parse(stdout));
  assert.deepEqual([summary.outcome, summary.tables, summary.rows], ['published', 2, 2050]);
  assert.match(stderr, new RegExp(`log: ${repository.url}/acme/shop/actions/runs/\\d+`));
  assert.match(stderr, /success: Back Up Production and Restore to Staging/);
  const { workflow_runs } = (await repository.call('GET', '/repos/acme/shop/actions/runs')).body;
  assert.match(
    workflow_runs[0].display_title,
    /^Weekly DB Backup - Using DigitalOcean Backups [\da-f-]{36}$/,
  );
  const { dispatches } = (await repository.call('GET', '/_local/repos/acme/shop/dispatches')).body;
  assert.deepEqual(dispatches, [
    { event_type: 'staging-refreshed', client_payload: { run_id: String(workflow_runs[0].id) } },
  ]);
  const watched = await command(repository.environment, ['watch', '--days', '8']);
  assert.match(watched.stdout, /^refreshed by the run of \d{4}-/);
});

test('a server that tells no id: the run is found by its nonce; what fails there fails here, with the same code', async (t) => {
  await using scenario = await makeScenario();
  const STAGING_DB_URL = String(scenario.environment.STAGING_DB_URL).replace(/\/[^/?]+(\?|$)/, '/nowhere$1');
  const repository = await startRepository(t, scenario, { tellsRuns: false, secrets: { STAGING_DB_URL } });
  const { stdout } = await command(repository.environment, words, {
    exit: 3,
    says: /^refresh: database-missing: .*\/actions\/runs\/\d+\)$/m,
  });
  assert.equal(summarySchema.parse(JSON.parse(stdout)).exitCode, 3);
  await command(repository.environment, ['watch'], { exit: 0 });
});

test('interrupted here, it is cancelled there', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const repository = await startRepository(t, scenario);
  const { child, result } = await startCommand(repository.environment, words);
  await untilSlow(scenario);
  const [run] = (await repository.call('GET', '/repos/acme/shop/actions/runs')).body.workflow_runs;
  const { jobs } = (await repository.call('GET', `/repos/acme/shop/actions/runs/${run.id}/jobs`)).body;
  const under = jobs.find(({ name }: { name: string }) => name === workflow.job);
  assert.equal(
    under.steps.at(-1).name,
    'Dry Run: Plan',
    'what has ended is seen while the refresh is under way',
  );
  child.kill('SIGINT');
  const { code, stderr } = await result;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /the run on GitHub is cancelled, too/);
  const conclusion = async () =>
    (await repository.call('GET', '/repos/acme/shop/actions/runs')).body.workflow_runs[0].conclusion;
  while ((await conclusion()) === null);
  assert.equal(await conclusion(), 'cancelled');
  assert.deepEqual(await databasesBeside(scenario.staging), []);
});

test('a token that is none, and a workflow that is switched off, are preconditions', async (t) => {
  await using scenario = await makeScenario();
  const repository = await startRepository(t, scenario);
  const { GITHUB_TOKEN: _, ...without } = repository.environment;
  await command(without, words, { exit: 2, says: /bad-environment: it is not set \(GITHUB_TOKEN\)/ });
  const wrong = { ...repository.environment, GITHUB_TOKEN: 'hush-hush' };
  const { stderr } = await command(wrong, words, {
    exit: 3,
    says: /api-refused: GitHub does not know the token/,
  });
  assert.ok(!stderr.includes('hush'));
  const file = workflow.path.replace(/^.*\//, '');
  await repository.call('PUT', `/repos/acme/shop/actions/workflows/${file}/disable`);
  await command(repository.environment, words, { exit: 3, says: /switched off \(disabled_manually\)/ });
});

test('the daily check: nobody is alarmed about a new workflow, and everybody about an old one', async (t) => {
  await using scenario = await makeScenario();
  const young = await startRepository(t, scenario);
  assert.match((await command(young.environment, ['watch'])).stdout, /the workflow is there since .* only/);
  const clock = stoppedClock('2026-01-01T00:00:00Z');
  const old = await startRepository(t, scenario, { now: clock.now });
  const web = await startWeb(t);
  const environment = { ...old.environment, REFRESH_NOTIFY_URL: web.url, GITHUB_ACTIONS: 'true' };
  const { stdout } = await command(environment, ['watch', '--notify-format', 'json'], {
    exit: 4,
    says: /^refresh: refresh-overdue: /m,
  });
  assert.match(stdout, /^::error title=refresh-overdue::Staging has not been refreshed for 8 days$/m);
  assert.equal(JSON.parse(web.received[0]?.body ?? '').event, 'refresh.overdue');
  const lately = new Date(Date.now() - 7 * 24 * 3600 * 1000).toISOString().slice(0, 10);
  const held = await command(environment, ['watch', '--held-until', '', lately]);
  assert.equal(held.stdout, `held until ${lately}\n`, 'the runs of a hold are missed by nobody');
  await command(environment, ['watch', '--held-until', '', '2026-01-01'], { exit: 4 });
});
