import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { zipOf } from '../../../scripts/local/api/github/zip.ts';
import { type Call, startGitHub, stoppedClock } from './emulation.ts';

const refresh = `name: Weekly refresh
run-name: "Refresh \${{ inputs.nonce || github.run_number }}"
on:
  schedule: [{ cron: '0 2 * * 0' }]
  workflow_dispatch:
    inputs:
      nonce: { type: string }
      jobs: { type: string, default: '2' }
      verify: { type: choice, options: [counts, checksums], default: counts }
      reason: { type: string, required: true }
jobs:
  restore: { runs-on: ubuntu-latest, name: restore-from-do-backup, steps: [] }
`;
const files = {
  '.github/workflows/refresh.yml': refresh,
  '.github/workflows/push.yaml': 'on: push\n',
  '.github/workflows/broken.yml': 'on: [',
  '.github/refresh.yml': 'on: push\n',
};
const repositories = [{ owner: 'acme', name: 'shop', files, branches: ['other'] }];
const actions = '/repos/acme/shop/actions';

async function dispatch(call: Call, body: object, file = 'refresh.yml') {
  return await call('POST', `${actions}/workflows/${file}/dispatches`, { body });
}

test('workflows are the files of the default branch', async (t) => {
  const { call } = await startGitHub(t, { repositories });
  const { workflows } = (await call('GET', `${actions}/workflows`)).body;
  assert.deepEqual(
    workflows.map(({ path, name }: Record<string, string>) => [path, name]),
    [
      ['.github/workflows/refresh.yml', 'Weekly refresh'],
      ['.github/workflows/push.yaml', '.github/workflows/push.yaml'],
      ['.github/workflows/broken.yml', '.github/workflows/broken.yml'],
    ],
  );
  const [{ id, state }] = workflows;
  assert.equal(state, 'active');
  assert.deepEqual((await call('GET', `${actions}/workflows/${id}`)).body, workflows[0]);
  assert.deepEqual((await call('GET', `${actions}/workflows/refresh.yml`)).body, workflows[0]);
  assert.equal((await call('GET', `${actions}/workflows/nothing.yml`)).status, 404);
  assert.equal((await call('PUT', `${actions}/workflows/${id}/disable`)).status, 204);
  assert.equal((await call('GET', `${actions}/workflows/${id}`)).body.state, 'disabled_manually');
  assert.equal((await dispatch(call, { ref: 'main', inputs: { reason: 'x' } })).status, 422);
  assert.equal((await call('PUT', `${actions}/workflows/${id}/enable`)).status, 204);
});

test('a dispatch makes a queued run, and says which if asked', async (t) => {
  const { call, url } = await startGitHub(t, { repositories });
  const silent = await dispatch(call, { ref: 'refs/heads/main', inputs: { reason: 'demo' } });
  assert.deepEqual([silent.status, silent.body], [204, undefined]);
  const inputs = { reason: 'demo', nonce: 'n-17' };
  const told = await dispatch(call, { ref: 'main', inputs, return_run_details: true });
  assert.equal(told.status, 200);
  const id = told.body.workflow_run_id;
  assert.equal(told.body.run_url, `${url}${actions}/runs/${id}`);
  const run = (await call('GET', `${actions}/runs/${id}`)).body;
  assert.equal(run.display_title, 'Refresh n-17');
  assert.deepEqual(
    [run.status, run.conclusion, run.event, run.run_number],
    ['queued', null, 'workflow_dispatch', 2],
  );
  const hook = (await call('GET', `/_local/repos/acme/shop/runs/${id}`)).body;
  assert.deepEqual(hook.inputs, { reason: 'demo', nonce: 'n-17', jobs: '2', verify: 'counts' });
  const { workflow_runs } = (await call('GET', `${actions}/workflows/refresh.yml/runs`)).body;
  assert.deepEqual(
    workflow_runs.map(({ display_title }: Record<string, string>) => display_title),
    ['Refresh n-17', 'Refresh 1'],
  );
});

test('what a dispatch is refused for', async (t) => {
  const { call } = await startGitHub(t, { repositories });
  const refusals: readonly [object, string, number, RegExp][] = [
    [{ ref: 'nowhere' }, 'refresh.yml', 422, /No ref found for: nowhere/],
    [{}, 'refresh.yml', 422, /ref/],
    [{ ref: 'main' }, 'refresh.yml', 422, /Required input 'reason' not provided/],
    [
      { ref: 'main', inputs: { reason: 'x', what: 'y' } },
      'refresh.yml',
      422,
      /Unexpected inputs provided: \["what"\]/,
    ],
    [
      { ref: 'main', inputs: { reason: 'x', verify: 'no' } },
      'refresh.yml',
      422,
      /not in the list of allowed values/,
    ],
    [{ ref: 'main' }, 'push.yaml', 422, /does not have 'workflow_dispatch' trigger/],
    [{ ref: 'main' }, 'broken.yml', 422, /does not have 'workflow_dispatch' trigger/],
    [{ ref: 'main' }, 'nothing.yml', 404, /Not Found/],
  ];
  for (const [body, file, status, message] of refusals) {
    const reply = await dispatch(call, body, file);
    assert.equal(reply.status, status);
    assert.match(reply.body.message, message);
  }
  assert.equal((await call('GET', `${actions}/runs`)).body.total_count, 0);
});

test('a local runner moves the run on; jobs, log and artifacts follow', async (t) => {
  const { call } = await startGitHub(t, { repositories });
  const inputs = { reason: 'demo' };
  const { workflow_run_id: id } = (await dispatch(call, { ref: 'main', inputs, return_run_details: true }))
    .body;
  const hook = `/_local/repos/acme/shop/runs/${id}`;
  const move = (body: object) => call('PATCH', hook, { body });
  assert.equal((await move({ status: 'completed' })).status, 422, 'no completion without a conclusion');
  assert.equal((await move({ status: 'in_progress' })).status, 200);
  assert.equal((await call('GET', `${actions}/runs/${id}`)).body.status, 'in_progress');
  const zip = zipOf([{ name: 'report.json', content: Buffer.from('{"rows":3}') }]);
  const artifact = { name: 'production-db-backup-1', zip: zip.toString('base64') };
  assert.equal((await call('POST', `${hook}/artifacts`, { body: artifact })).status, 201);
  const steps = [{ name: 'Refresh', conclusion: 'success' }];
  await move({ status: 'completed', conclusion: 'success', log: 'all is well\n', steps });
  const [job] = (await call('GET', `${actions}/runs/${id}/jobs`)).body.jobs;
  assert.deepEqual(
    [job.name, job.status, job.conclusion],
    ['restore-from-do-backup', 'completed', 'success'],
  );
  assert.deepEqual(job.steps, [{ ...steps[0], status: 'completed', number: 1 }]);
  assert.equal((await call('GET', `${actions}/jobs/${job.id}/logs`)).body, 'all is well\n');
  const logs = await call('GET', `${actions}/runs/${id}/logs`);
  assert.equal(logs.headers.get('content-type'), 'application/zip');
  const { artifacts } = (await call('GET', `${actions}/runs/${id}/artifacts`)).body;
  assert.deepEqual([artifacts[0].name, artifacts[0].size_in_bytes], [artifact.name, zip.length]);
  assert.equal((await call('GET', `${actions}/artifacts/${artifacts[0].id}/zip`)).status, 200);
  assert.equal((await call('POST', `${actions}/runs/${id}/cancel`)).status, 409);
});

test('a queued run is cancelled at once, one in progress by its runner', async (t) => {
  const { call } = await startGitHub(t, { repositories });
  const start = async () => {
    const body = { ref: 'main', inputs: { reason: 'x' }, return_run_details: true };
    return (await dispatch(call, body)).body.workflow_run_id;
  };
  const queued = await start();
  assert.equal((await call('POST', `${actions}/runs/${queued}/cancel`)).status, 202);
  assert.equal((await call('GET', `${actions}/runs/${queued}`)).body.conclusion, 'cancelled');
  const running = await start();
  await call('PATCH', `/_local/repos/acme/shop/runs/${running}`, { body: { status: 'in_progress' } });
  assert.equal((await call('POST', `${actions}/runs/${running}/cancel`)).status, 202);
  assert.equal((await call('GET', `${actions}/runs/${running}`)).body.status, 'in_progress');
  assert.equal((await call('GET', `/_local/repos/acme/shop/runs/${running}`)).body.cancelling, true);
});

test('runs are found by event, branch, status and time, newest first', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call } = await startGitHub(t, { repositories, now: clock.now });
  await dispatch(call, { ref: 'main', inputs: { reason: 'x', nonce: 'first' } });
  clock.forward(3600);
  await dispatch(call, { ref: 'other', inputs: { reason: 'x', nonce: 'second' } });
  const found = async (query: string) =>
    (await call('GET', `${actions}/runs?${query}`)).body.workflow_runs.map(
      ({ display_title }: Record<string, string>) => display_title?.replace('Refresh ', ''),
    );
  for (const [query, expected] of [
    ['', ['second', 'first']],
    ['per_page=1', ['second']],
    ['branch=main', ['first']],
    ['event=schedule', []],
    ['status=queued', ['second', 'first']],
    ['status=success', []],
    [`created=${encodeURIComponent('>=2026-11-22T11:00:00Z')}`, ['second']],
    [`created=${encodeURIComponent('<2026-11-22T11:00:00Z')}`, ['first']],
    ['created=2026-11-22T10:30:00Z..2026-11-22T12:00:00Z', ['second']],
    ['created=2026-11-22', ['second', 'first']],
    ['created=2026-11-21', []],
  ] as const) {
    assert.deepEqual(await found(query), expected, query);
  }
});

test('a repository dispatch is kept for whoever executes it', async (t) => {
  const { call } = await startGitHub(t);
  const event = { event_type: 'staging-refreshed', client_payload: { run: 17 } };
  assert.equal((await call('POST', '/repos/acme/shop/dispatches', { body: event })).status, 204);
  assert.equal((await call('POST', '/repos/acme/shop/dispatches', { body: {} })).status, 422);
  assert.deepEqual((await call('GET', '/_local/repos/acme/shop/dispatches')).body, { dispatches: [event] });
});

test('a zip file is one that others can read', async (t) => {
  const zip = zipOf([
    { name: 'a.txt', content: Buffer.from('first') },
    { name: 'b/ü.txt', content: Buffer.from('second') },
  ]);
  const script = `import base64,io,json,sys,zipfile
z = zipfile.ZipFile(io.BytesIO(base64.b64decode(sys.argv[1])))
print(json.dumps([z.testzip(), {n: z.read(n).decode() for n in z.namelist()}]))`;
  const python = await promisify(execFile)('python3', ['-c', script, zip.toString('base64')]).catch(
    (error) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (!python) return t.skip('no python3 here to read the zip file with');
  assert.deepEqual(JSON.parse(python.stdout), [null, { 'a.txt': 'first', 'b/ü.txt': 'second' }]);
});
