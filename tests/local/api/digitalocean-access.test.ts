import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../../scripts/local/api/digitalocean/account.ts';
import { Provisioning } from '../../../scripts/local/api/digitalocean/lifecycle.ts';
import { digitalOceanRoutes } from '../../../scripts/local/api/digitalocean.ts';
import { findOperation } from './description.ts';
import { production, providerOrder, RecordingHost, startDigitalOcean } from './emulation.ts';

const path = `/v2/databases/${production.id}`;

test('every emulated call is one of DigitalOcean, and needs the scope that the description names', () => {
  const account: Account = {
    state: { clusters: [] },
    host: new RecordingHost(),
    creatingSeconds: 0,
    now: () => new Date(),
    save: () => undefined,
  };
  const routes = digitalOceanRoutes(account, new Provisioning(account));
  assert.ok(routes.length > 20);
  for (const { method, path: template, scope } of routes) {
    const operation = findOperation(method, template);
    assert.ok(operation, `${method} ${template} is described`);
    assert.deepEqual(operation.security, [{ bearer_auth: [scope] }], `${method} ${template}`);
  }
});

test('no token and a wrong token are refused', async (t) => {
  const { call } = await startDigitalOcean(t);
  for (const token of [null, '', 'wrong']) {
    for (const target of ['/v2/databases', '/v2/account', '/_local/log', '/v2/nothing']) {
      const reply = await call('GET', target, { token });
      assert.deepEqual([reply.status, reply.body.message], [401, 'Unable to authenticate you'], target);
    }
  }
});

test('a token that reads databases sees no password and writes nothing', async (t) => {
  const token = 'reads';
  const { call, host } = await startDigitalOcean(t, {
    otherTokens: [{ token, scopes: ['database:read'] }],
    production: { ...production, users: [{ name: 'app', password: 'of the app' }] },
  });
  for (const target of [
    '/v2/databases',
    path,
    `${path}/users`,
    `${path}/users/app`,
    `${path}/users/doadmin`,
  ]) {
    const reply = await call('GET', target, { token });
    assert.equal(reply.status, 200);
    assert.doesNotMatch(JSON.stringify(reply.body), /secret|of the app/, target);
  }
  const { connection } = (await call('GET', path, { token })).body.database;
  assert.equal(connection.host, 'localhost');
  for (const [method, target, body] of [
    ['POST', '/v2/databases', providerOrder('shop-staging')],
    ['DELETE', path, undefined],
    ['PUT', `${path}/resize`, { size: 'db-s-4vcpu-8gb', num_nodes: 1 }],
    ['PUT', `${path}/firewall`, { rules: [] }],
    ['POST', `${path}/dbs`, { name: 'shop' }],
    ['POST', `${path}/users/app/reset_auth`, {}],
    ['GET', '/v2/account', undefined],
  ] as const) {
    const reply = await call(method, target, { token, body });
    assert.deepEqual([reply.status, reply.body.id], [403, 'forbidden'], `${method} ${target}`);
  }
  assert.deepEqual(host.orders, []);
  const seeing = { token: 'sees', scopes: ['database:read', 'database:view_credentials'] } as const;
  const other = await startDigitalOcean(t, { otherTokens: [seeing] });
  assert.equal(
    (await other.call('GET', path, { token: 'sees' })).body.database.connection.password,
    'production:secret',
  );
});

test('the rate limit is told in every answer, and kept', async (t) => {
  const { call } = await startDigitalOcean(t, { requestsPerHour: 2 });
  const remaining = async () => {
    const { status, headers } = await call('GET', '/v2/account');
    return [status, headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')];
  };
  assert.deepEqual(await remaining(), [200, '2', '1']);
  assert.deepEqual(await remaining(), [200, '2', '0']);
  const exceeded = await call('GET', '/v2/account');
  assert.deepEqual([exceeded.status, exceeded.body.id], [429, 'too_many_requests']);
  assert.ok(Number(exceeded.headers.get('ratelimit-reset')) > Date.now() / 1000);
  assert.ok(Number(exceeded.headers.get('retry-after')) > 0);
});

test('options, account and events are as described', async (t) => {
  const { call } = await startDigitalOcean(t);
  const { options, version_availability } = (await call('GET', '/v2/databases/options')).body;
  assert.ok(options.pg.regions.includes('fra1'));
  assert.ok(options.pg.versions.includes('17'));
  assert.deepEqual(
    options.pg.layouts.map(({ num_nodes }: { num_nodes: number }) => num_nodes),
    [1, 2, 3],
  );
  assert.equal(version_availability.pg.length, options.pg.versions.length);
  assert.equal((await call('GET', '/v2/account')).body.account.status, 'active');
  await call('PUT', `${path}/firewall`, { body: { rules: [] } });
  const { events } = (await call('GET', `${path}/events`)).body;
  assert.deepEqual(
    events.map(({ event_type, cluster_name }: Record<string, string>) => `${cluster_name} ${event_type}`),
    ['shop-production cluster_create', 'shop-production cluster_update'],
  );
});
