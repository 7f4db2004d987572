import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import type { components, operations } from '@octokit/openapi-types';
import type * as z from 'zod';
import type {
  artifactsAnswer,
  dispatchAnswer,
  jobAnswer,
  runAnswer,
  workflowAnswer,
} from '../../scripts/github/answers.ts';
import { GitHub } from '../../scripts/github/client.ts';
import { readZipEntry } from '../../scripts/github/zip.ts';
import { zipOf } from '../../scripts/local/api/github/zip.ts';
import { Secret } from '../../scripts/model/secret.ts';
import { startGitHub, token } from '../local/api/emulation.ts';

/** A 64-bit number as JSON.parse gives it: run ids stay far below 2^53. */
type Parsed<Type> = Type extends bigint
  ? never
  : Type extends object
    ? { [Key in keyof Type]: Parsed<Type[Key]> }
    : Type;
type Schema = Parsed<components['schemas']>;
type Published<Answer extends z.ZodType> = (published: z.input<Answer>) => void;

/** What GitHub's own description promises is what we read: checked by the compiler, whatever GitHub changes. */
const described: [
  (published: Schema['workflow']) => void,
  (published: Schema['workflow-run']) => void,
  (published: Schema['job']) => void,
  (published: Schema['artifact']) => void,
  (published: Schema['workflow-dispatch-response']) => void,
] = [
  ((_) => undefined) satisfies Published<typeof workflowAnswer>,
  ((_) => undefined) satisfies Published<typeof runAnswer>,
  ((_) => undefined) satisfies Published<typeof jobAnswer>,
  ((_) => undefined) satisfies Published<(typeof artifactsAnswer)['shape']['artifacts']['element']>,
  ((_) => undefined) satisfies Published<typeof dispatchAnswer>,
];

/** The same for what we send. */
const sent = {
  dispatch: { ref: 'main', inputs: { nonce: 'x' }, return_run_details: true },
  runs: { event: 'workflow_dispatch', created: '>=2026-11-22T00:00:00Z', per_page: 100, page: 1 },
  jobs: { per_page: 100 },
  artifacts: { name: 'refresh-report-1', per_page: 100 },
} satisfies {
  dispatch: operations['actions/create-workflow-dispatch']['requestBody']['content']['application/json'];
  runs: operations['actions/list-workflow-runs']['parameters']['query'];
  jobs: operations['actions/list-jobs-for-workflow-run']['parameters']['query'];
  artifacts: operations['actions/list-workflow-run-artifacts']['parameters']['query'];
};

test('every call goes to a path that GitHub describes, with the parameters that it describes', async (t) => {
  assert.equal(described.length, 5);
  const files = {
    '.github/workflows/w.yml': 'on: {workflow_dispatch: {inputs: {nonce: {type: string}}}}\njobs: {}\n',
  };
  const emulation = await startGitHub(t, { repositories: [{ owner: 'acme', name: 'shop', files }] });
  const gitHub = new GitHub({ url: emulation.url, token: new Secret(token) }, 'acme/shop');
  assert.equal((await gitHub.workflow('w.yml')).state, 'active');
  const id = (await gitHub.dispatch('w.yml', sent.dispatch.ref, sent.dispatch.inputs)) ?? assert.fail();
  const { event, created } = sent.runs;
  assert.deepEqual(
    (await gitHub.runs('w.yml', { event, created: created.replace('2026', '2020') })).map((run) => run.id),
    [id],
  );
  assert.equal((await gitHub.run(id)).status, 'queued');
  assert.deepEqual(await gitHub.jobs(id), []);
  assert.equal(await gitHub.artifact(id, sent.artifacts.name), undefined);
  const zip = zipOf([{ name: 'a.txt', content: Buffer.from('first') }]).toString('base64');
  await emulation.call('POST', `/_local/repos/acme/shop/runs/${id}/artifacts`, {
    body: { name: 'refresh-report-1', zip },
  });
  const artifact = (await gitHub.artifact(id, 'refresh-report-1')) ?? assert.fail();
  assert.equal(String(readZipEntry(artifact, 'a.txt')), 'first');
  await gitHub.cancel(id);
  const { requests } = (await emulation.call('GET', '/_local/log')).body;
  const paths = requests.map(
    ({ method, path }: Record<string, string>) =>
      `${method} ${path?.replace(/\?.*/, '').replaceAll(/\d{5,}/g, ':id')}`,
  );
  const repository = '/repos/acme/shop/actions';
  assert.deepEqual(
    [...new Set(paths)],
    [
      `GET ${repository}/workflows/w.yml`,
      `POST ${repository}/workflows/w.yml/dispatches`,
      `GET ${repository}/workflows/w.yml/runs`,
      `GET ${repository}/runs/:id`,
      `GET ${repository}/runs/:id/jobs`,
      `GET ${repository}/runs/:id/artifacts`,
      `GET ${repository}/artifacts/:id/zip`,
      `POST ${repository}/runs/:id/cancel`,
    ],
  );
});

interface Scripted {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

async function scripted(t: TestContext, answers: readonly (Scripted | 'reset')[]) {
  let asked = 0;
  const server = createServer((request, response) => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (!answer || answer === 'reset') request.socket.resetAndDestroy();
    else response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const access = { url, token: new Secret('ghp_hush') };
  return { gitHub: new GitHub(access, 'acme/shop', { firstWaitMs: 1 }), asked: () => asked };
}

const workflow = {
  status: 200,
  body: { id: 1, path: 'p', state: 'active', created_at: '2026-11-22T00:00:00Z' },
};

test('reading is repeated on 5xx, rate limits and broken connections; starting a run is not', async (t) => {
  const limited = { status: 429, headers: { 'retry-after': '0' } };
  const used = { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } };
  const patient = await scripted(t, [{ status: 502 }, limited, used, 'reset', workflow]);
  assert.equal((await patient.gitHub.workflow('w.yml')).state, 'active');
  assert.equal(patient.asked(), 5);
  const down = await scripted(t, [{ status: 503 }]);
  await assert.rejects(down.gitHub.workflow('w.yml'), /GitHub’s API is not available: status 503/);
  assert.equal(down.asked(), 5);
  const once = await scripted(t, [{ status: 502 }]);
  await assert.rejects(once.gitHub.dispatch('w.yml', 'main', {}), { code: 'api-unavailable' });
  assert.equal(once.asked(), 1);
  const long = await scripted(t, [{ status: 429, headers: { 'retry-after': '3600' } }]);
  await assert.rejects(long.gitHub.workflow('w.yml'), /too many requests/);
});

test('what repeating can’t help is told once, in words, without the token', async (t) => {
  for (const [status, words] of [
    [401, /does not know the token/],
    [403, /the token may not do this: Actions: read/],
    [404, /finds no workflow w\.yml in acme\/shop, or the token may not see it/],
    [422, /answered 422: no such ref for \[secret\]$/],
  ] as const) {
    const server = await scripted(t, [{ status, body: { message: 'no such ref for ghp_hush' } }]);
    await assert.rejects(server.gitHub.workflow('w.yml'), (error: Error & { hint?: string }) => {
      assert.match(error.message, words);
      assert.ok(error.hint);
      assert.ok(!JSON.stringify([error.message, error.hint, error.cause]).includes('hush'));
      return true;
    });
    assert.equal(server.asked(), 1);
  }
});

test('a zip file as GitHub makes it: deflated, with sizes in the directory alone', async () => {
  const text = Buffer.from('{"version":1}'.repeat(200));
  const packed = await promisify(deflateRaw)(text);
  const stored = zipOf([{ name: 'x', content: packed }]);
  const directory = stored.readUInt32LE(stored.length - 6);
  for (const at of [8, directory + 10]) stored.writeUInt16LE(8, at);
  stored.writeUInt32LE(0, 18);
  stored.writeUInt32LE(0, 22);
  stored.writeUInt32LE(text.length, directory + 24);
  assert.deepEqual(readZipEntry(stored, 'x'), text);
  assert.equal(readZipEntry(stored, 'y'), undefined);
  for (const damaged of [Buffer.from('no zip'), stored.subarray(30), stored.subarray(0, -10)])
    assert.throws(() => readZipEntry(damaged, 'x'), { code: 'bad-file' });
});
