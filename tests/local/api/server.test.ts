import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openState } from '../../../scripts/local/api/state.ts';
import { RefreshError } from '../../../scripts/model/errors.ts';
import {
  type Call,
  production,
  providerOrder,
  startDigitalOcean,
  startGitHub,
  temporaryFolder,
} from './emulation.ts';

test('a restarted emulation remembers everything, in a file for its owner alone', async (t) => {
  const first = await startDigitalOcean(t);
  const { body } = await first.call('POST', '/v2/databases', { body: providerOrder('shop-staging') });
  const path = `/v2/databases/${body.database.id}`;
  await first.call('POST', `${path}/users`, { body: { name: 'app' } });
  await first.call('PUT', `${path}/firewall`, { body: { rules: [{ type: 'tag', value: 'staging' }] } });
  const before = (await first.call('GET', path)).body;
  await first.close();
  assert.equal((await stat(first.stateFile)).mode & 0o777, 0o600);
  const moved = { ...production, connection: { ...production.connection, port: 6001 } };
  const second = await startDigitalOcean(t, { stateFile: first.stateFile, production: moved });
  assert.deepEqual((await second.call('GET', path)).body, before);
  assert.deepEqual(second.host.orders, [], 'the server is not made again');
  const { connection } = (await second.call('GET', `/v2/databases/${production.id}`)).body.database;
  assert.equal(connection.port, 6001, 'production follows its server');
});

test('a server whose making was cut short is asked for again', async (t) => {
  const first = await startDigitalOcean(t);
  const { body } = await first.call('POST', '/v2/databases', { body: providerOrder('shop-staging') });
  await first.close();
  const state = JSON.parse(await readFile(first.stateFile, 'utf8'));
  state.value.clusters[1].connection = null;
  await writeFile(first.stateFile, JSON.stringify(state));
  const second = await startDigitalOcean(t, { stateFile: first.stateFile });
  assert.deepEqual(second.host.orders, ['provision shop-staging 17']);
  assert.equal(
    (await second.call('GET', `/v2/databases/${body.database.id}`)).body.database.status,
    'online',
  );
});

test('a state that is not ours is refused by name, not overwritten', async (t) => {
  const file = join(await temporaryFolder(t), 'state.json');
  for (const text of ['{"version":', '{"version":99,"value":{}}', '[]']) {
    await writeFile(file, text);
    assert.throws(
      () => openState(file, () => ({})),
      (error) => error instanceof RefreshError && error.code === 'bad-file' && error.object === file,
    );
    assert.equal(await readFile(file, 'utf8'), text);
  }
});

test('the log names every request and its status, until it is emptied', async (t) => {
  const log = join(await temporaryFolder(t), 'requests.log');
  const { call } = await startGitHub(t, { log });
  await call('GET', '/api/v3/repos/acme/shop?a=1');
  await call('PUT', '/repos/acme/shop/environments/staging', { body: {} });
  await call('GET', '/repos/acme/shop/pages');
  await call('GET', '/user', { token: 'wrong' });
  const { requests } = (await call('GET', '/_local/log')).body;
  assert.deepEqual(
    requests.map(({ method, path, status, known }: Record<string, unknown>) => [method, path, status, known]),
    [
      ['GET', '/api/v3/repos/acme/shop?a=1', 200, true],
      ['PUT', '/repos/acme/shop/environments/staging', 200, true],
      ['GET', '/repos/acme/shop/pages', 404, false],
      ['GET', '/user', 401, true],
    ],
  );
  assert.match(await readFile(log, 'utf8'), /GET \/repos\/acme\/shop\/pages 404 no such call\n/);
  assert.equal((await call('DELETE', '/_local/log')).status, 204);
  assert.deepEqual((await call('GET', '/_local/log')).body, { requests: [] });
});

test('a fault before: the request is not processed', async (t) => {
  const { call } = await startDigitalOcean(t);
  const order = { body: providerOrder('shop-staging') };
  const fault = {
    method: 'POST',
    path: '^/v2/databases$',
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '3' },
    body: { id: 'too_many_requests', message: 'slow down' },
    times: 2,
  };
  await script(call, fault);
  assert.equal((await call('GET', '/_local/faults')).body.faults[0].times, 2);
  assert.equal((await call('GET', '/v2/databases')).status, 200, 'another method is not struck');
  for (let times = 0; times < 2; times += 1) {
    const struck = await call('POST', '/v2/databases', order);
    assert.deepEqual([struck.status, struck.headers.get('retry-after')], [429, '3']);
  }
  assert.equal((await call('POST', '/v2/databases', order)).status, 201);
});

test('a fault after: the request is processed and its answer lost', async (t) => {
  const { call, host } = await startDigitalOcean(t);
  const order = { body: providerOrder('shop-staging') };
  const fault = { path: '/v2/databases$', when: 'after', kind: 'reset' };
  await script(call, fault);
  await assert.rejects(call('POST', '/v2/databases', order));
  const again = await call('POST', '/v2/databases', order);
  assert.deepEqual([again.status, again.body.message], [422, 'cluster name is not available']);
  assert.deepEqual(host.orders, ['provision shop-staging 17']);
  const [lost] = (await call('GET', '/_local/log')).body.requests;
  assert.equal(lost.status, 0);
});

test('a hanging request gets no answer, and closing ends it', async (t) => {
  const emulation = await startGitHub(t);
  const { call } = emulation;
  await script(call, { path: '/user', kind: 'hang' });
  const hanging = assert.rejects(call('GET', '/user'));
  // The second request is answered while the first still waits, and the log proves that the first has come.
  let seen: unknown[] = [];
  while (seen.length === 0) seen = (await call('GET', '/_local/log')).body.requests;
  assert.equal((await call('GET', '/user')).status, 200);
  await emulation.close();
  await hanging;
});

test('a delayed request is answered all the same', async (t) => {
  const { call } = await startGitHub(t);
  await script(call, { path: '/user', kind: 'delay', seconds: 0.01 });
  assert.equal((await call('GET', '/user')).status, 200);
  assert.deepEqual((await call('GET', '/_local/faults')).body, { faults: [] });
});

test('a fault that makes no sense is refused', async (t) => {
  const { call } = await startGitHub(t);
  for (const fault of [
    { path: '(', kind: 'reset' },
    { path: '/', kind: 'explode' },
    { path: '/', kind: 'hang', tiems: 2 },
  ]) {
    assert.equal((await call('POST', '/_local/faults', { body: fault })).status, 422);
  }
  await script(call, { path: '/', kind: 'status' });
  assert.equal((await call('DELETE', '/_local/faults')).status, 204);
  assert.equal((await call('GET', '/user')).status, 200);
});

/** Scripts a fault. */
async function script(call: Call, fault: object): Promise<void> {
  assert.equal((await call('POST', '/_local/faults', { body: fault })).status, 204);
}
