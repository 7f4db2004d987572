import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { DigitalOcean } from '../../scripts/digitalocean/client.ts';
import { describeMark } from '../../scripts/digitalocean/rule.ts';
import { rateLimitWait } from '../../scripts/digitalocean/transport.ts';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { Secret } from '../../scripts/model/secret.ts';
import type { TransportOptions } from '../../scripts/system/api-call.ts';
import { assertDescribedAnswer, assertDescribedRequest, findOperation } from '../local/api/description.ts';
import { type Emulation, production, startDigitalOcean, token } from '../local/api/emulation.ts';
import { startRecorder } from './recorder.ts';

const id = production.id;

function clientOf(emulation: { url: string }, given = token, options: TransportOptions = {}): DigitalOcean {
  return new DigitalOcean({ url: emulation.url, token: new Secret(given) }, { firstWaitMs: 1, ...options });
}

async function strike({ call }: Emulation, fault: object): Promise<void> {
  assert.equal((await call('POST', '/_local/faults', { body: fault })).status, 204);
}

async function requests({ call }: Emulation): Promise<{ method: string; path: string; status: number }[]> {
  return (await call('GET', '/_local/log')).body.requests;
}

async function refusedWith(work: Promise<unknown>): Promise<RefreshError> {
  const error = await work.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert(error instanceof RefreshError, String(error));
  assert.ok(!formatError(error).includes(token), 'the token is in the error');
  return error;
}

test('a cluster, its databases and its backups, newest first; no password is kept', async (t) => {
  const emulation = await startDigitalOcean(t);
  const api = clientOf(emulation);
  const cluster = await api.cluster(id);
  assert.equal(cluster.name, 'shop-production');
  assert.equal(cluster.connection?.host, 'localhost');
  assert.ok(!JSON.stringify(cluster).includes(production.connection.password));
  assert.deepEqual(await api.databases(id), ['defaultdb']);
  const times = (await api.backups(id)).map(({ created_at }) => created_at);
  assert.equal(times.length, 7);
  assert.deepEqual(times, times.toSorted().reverse());
});

test('every page of the list of clusters is read, from the same place', async (t) => {
  // 200 clusters a page are more than an account holds: a server that cuts smaller pages, and lies about its address.
  const seen: string[] = [];
  const server = await listening(t, (url) => {
    seen.push(url);
    const page = Number(new URL(url, 'http://x').searchParams.get('page'));
    return {
      databases: [{ id: `id-${page}`, name: `cluster-${page}`, engine: 'pg' }],
      links: page < 3 ? { pages: { next: `https://elsewhere.example/v2/databases?page=${page + 1}` } } : {},
    };
  });
  const clusters = await clientOf(server).clusters();
  assert.deepEqual(
    clusters.map(({ name }) => name),
    ['cluster-1', 'cluster-2', 'cluster-3'],
  );
  assert.deepEqual(
    seen,
    [1, 2, 3].map((page) => `/v2/databases?page=${page}&per_page=200`),
  );
});

test('every call, what it sends and what it is answered is as DigitalOcean describes it', async (t) => {
  const emulation = await startDigitalOcean(t);
  const recorder = await startRecorder(t, emulation.url);
  const api = clientOf({ ...emulation, url: recorder.url });
  await api.clusters();
  await api.cluster(id);
  await api.databases(id);
  await api.backups(id);
  await api.updateEvents(id);
  await api.replaceFirewall(id, [{ type: 'ip_addr', value: '203.0.113.7', description: 'ours' }]);
  const [rule] = await api.firewall(id);
  assert.ok(rule);
  // As a run writes it: everybody's rules as they were read, and one of ours.
  const mark = describeMark({ runs: ['20261122t193000_1a2b'], until: new Date('2030-01-01T00:00:00Z') });
  await api.replaceFirewall(id, [rule, { type: 'ip_addr', value: '203.0.113.8', description: mark }]);
  assert.equal(recorder.exchanges.length, 8);
  for (const { method, path, sent, status, answered } of recorder.exchanges) {
    const operation = findOperation(method, path);
    assert.ok(operation, `${method} ${path}`);
    if (sent !== undefined) assertDescribedRequest(operation, sent);
    assertDescribedAnswer(operation, status, answered);
  }
  const wrong = findOperation('PUT', `/v2/databases/${id}/firewall`) ?? assert.fail();
  assert.throws(() => assertDescribedRequest(wrong, { rules: [{ type: 'ip_address', value: 'x' }] }));
});

test('what repeating can’t help is told in words, once', async (t) => {
  const readOnly = 'a token that reads';
  const other = 'a token for other things';
  const emulation = await startDigitalOcean(t, {
    otherTokens: [
      { token: readOnly, scopes: ['database:read'] },
      { token: other, scopes: ['account:read'] },
    ],
  });
  const unknown = await refusedWith(clientOf(emulation, 'nobody').clusters());
  assert.deepEqual([unknown.code, unknown.object], ['api-refused', 'DO_API_TOKEN']);
  const unread = await refusedWith(clientOf(emulation, other).cluster(id));
  assert.match(unread.message, /lacks the scope database:read/);
  const unwritten = await refusedWith(
    clientOf(emulation, readOnly).replaceFirewall(id, [{ type: 'ip_addr', value: '203.0.113.7' }]),
  );
  assert.match(unwritten.message, /lacks the scope database:update/);
  const missing = await refusedWith(clientOf(emulation).cluster('00000000-0000-4000-8000-000000000000'));
  assert.match(missing.message, /no cluster 00000000/);
  const invalid = await refusedWith(
    clientOf(emulation).replaceFirewall(id, [{ type: 'ip_addr', value: '2001:db8::1' }]),
  );
  assert.match(invalid.message, /422: .*IPv6/);
  assert.deepEqual(
    (await requests(emulation)).map(({ status }) => status),
    [401, 403, 403, 404, 422],
  );
});

test('reading is repeated on 5xx, 429 and broken connections, and not for ever', async (t) => {
  const emulation = await startDigitalOcean(t);
  const api = clientOf(emulation);
  const path = '/firewall$';
  await strike(emulation, { path, kind: 'status', status: 503 });
  await strike(emulation, { path, kind: 'reset' });
  await strike(emulation, { path, kind: 'status', status: 429, headers: { 'retry-after': '0' } });
  assert.deepEqual(await api.firewall(id), []);
  assert.deepEqual(
    (await requests(emulation)).map(({ status }) => status),
    [503, 0, 429, 200],
  );
  await strike(emulation, { path, kind: 'status', status: 500, times: 5 });
  const error = await refusedWith(api.firewall(id));
  assert.deepEqual([error.code, error.object], ['api-unavailable', `GET /v2/databases/${id}/firewall`]);
  assert.equal((await requests(emulation)).length, 9);
});

test('a list is written once, whatever becomes of it: after a wait it would be an old one', async (t) => {
  const emulation = await startDigitalOcean(t);
  for (const fault of [{ kind: 'status', status: 502 }, { kind: 'reset' }, { kind: 'status', status: 429 }]) {
    await emulation.call('DELETE', '/_local/log');
    await strike(emulation, { method: 'PUT', path: 'firewall', ...fault });
    const rules = [{ type: 'ip_addr', value: '203.0.113.7' }];
    const error = await refusedWith(clientOf(emulation).replaceFirewall(id, rules));
    assert.equal(error.code, 'api-unavailable');
    assert.equal((await requests(emulation)).length, 1);
  }
});

test('no call waits for ever: a silent server, and an hour until the rate limit is lifted', async (t) => {
  const emulation = await startDigitalOcean(t);
  await strike(emulation, { path: 'backups', kind: 'hang', times: 5 });
  const silent = await refusedWith(clientOf(emulation, token, { attemptMs: 30 }).backups(id));
  assert.match(silent.message, /no answer within 0\.03 s/);
  const reset = String(Math.floor(Date.now() / 1000) + 3000);
  await strike(emulation, {
    path: 'dbs',
    kind: 'status',
    status: 429,
    headers: { 'ratelimit-reset': reset },
  });
  const limited = await refusedWith(clientOf(emulation).databases(id));
  assert.match(limited.message, /too many requests; the limit is lifted at \d{4}-/);
});

test('an interrupted call ends with the interruption', async (t) => {
  const emulation = await startDigitalOcean(t);
  await strike(emulation, { path: 'backups', kind: 'hang' });
  const controller = new AbortController();
  const call = clientOf(emulation, token, { signal: controller.signal }).backups(id);
  controller.abort(new RefreshError('interrupted', 'SIGINT received'));
  assert.equal((await refusedWith(call)).code, 'interrupted');
});

test('an answer of another shape is an error that quotes nothing of it', async (t) => {
  const server = await listening(t, () => ({ database: { id: 7, name: 'a secret', engine: 'pg' } }));
  const error = await refusedWith(clientOf(server).cluster(id));
  assert.match(error.message, /another shape at database\.id$/);
  assert.ok(!formatError(error).includes('a secret'));
});

test('when a rate limit is lifted', () => {
  const wait = (headers: Record<string, string>) => rateLimitWait(new Headers(headers), 1_000_000);
  assert.equal(wait({ 'retry-after': '3' }), 3000);
  assert.equal(wait({ 'ratelimit-reset': '1010' }), 10_000);
  assert.equal(wait({ 'ratelimit-reset': '900' }), 0);
  assert.equal(wait({ 'retry-after': '2', 'ratelimit-reset': '1010' }), 2000);
  assert.equal(wait({ 'retry-after': 'tomorrow' }), undefined);
  assert.equal(wait({}), undefined);
});

async function listening(t: TestContext, answer: (url: string) => object): Promise<{ url: string }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer(request.url ?? '')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
