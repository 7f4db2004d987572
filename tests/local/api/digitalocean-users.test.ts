import assert from 'node:assert/strict';
import { test } from 'node:test';
import { production, startDigitalOcean, stoppedClock } from './emulation.ts';

const path = `/v2/databases/${production.id}`;

test('databases are made and dropped on the real server, defaultdb stays', async (t) => {
  const { call, host } = await startDigitalOcean(t);
  const created = await call('POST', `${path}/dbs`, { body: { name: 'shop' } });
  assert.deepEqual([created.status, created.body], [201, { db: { name: 'shop' } }]);
  assert.deepEqual((await call('GET', `${path}/dbs/shop`)).body, { db: { name: 'shop' } });
  assert.deepEqual((await call('GET', `${path}/dbs`)).body, {
    dbs: [{ name: 'defaultdb' }, { name: 'shop' }],
  });
  assert.equal((await call('POST', `${path}/dbs`, { body: { name: 'shop' } })).status, 422);
  assert.equal((await call('POST', `${path}/dbs`, { body: { name: 'a;b' } })).status, 422);
  assert.equal((await call('DELETE', `${path}/dbs/defaultdb`)).status, 422);
  assert.equal((await call('DELETE', `${path}/dbs/shop`)).status, 204);
  for (const method of ['GET', 'DELETE']) assert.equal((await call(method, `${path}/dbs/shop`)).status, 404);
  assert.deepEqual(host.orders, ['create database shop', 'drop database shop']);
});

test('users get the password that the real server gets, doadmin stays', async (t) => {
  const { call, host } = await startDigitalOcean(t);
  const created = await call('POST', `${path}/users`, { body: { name: 'app' } });
  assert.equal(created.status, 201);
  const { password, ...rest } = created.body.user;
  assert.deepEqual(rest, { name: 'app', role: 'normal' });
  assert.match(password, /^AVNS_/);
  assert.deepEqual((await call('GET', `${path}/users/app`)).body, created.body);
  assert.equal((await call('POST', `${path}/users`, { body: { name: 'app' } })).status, 422);
  const reset = await call('POST', `${path}/users/app/reset_auth`, { body: {} });
  assert.notEqual(reset.body.user.password, password);
  const updated = await call('PUT', `${path}/users/app`, {
    body: { settings: { pg_allow_replication: true } },
  });
  assert.deepEqual([updated.status, updated.body.user.settings], [201, { pg_allow_replication: true }]);
  assert.equal((await call('DELETE', `${path}/users/doadmin`)).status, 422);
  assert.equal((await call('DELETE', `${path}/users/app`)).status, 204);
  for (const method of ['GET', 'DELETE']) assert.equal((await call(method, `${path}/users/app`)).status, 404);
  assert.deepEqual(host.orders, [
    `create user app ${password}`,
    `set password app ${reset.body.user.password}`,
    'drop user app',
  ]);
});

test("a reset of doadmin's password shows in the cluster's connection", async (t) => {
  const { call } = await startDigitalOcean(t);
  const { body } = await call('POST', `${path}/users/doadmin/reset_auth`, { body: {} });
  const { connection } = (await call('GET', path)).body.database;
  assert.equal(connection.password, body.user.password);
  assert.ok(connection.uri.includes(`:${body.user.password}@`));
});

test('a cluster that is not online takes no orders', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call, host } = await startDigitalOcean(t, { creatingSeconds: 15, now: clock.now });
  await call('PUT', `${path}/migrate`, { body: { region: 'ams3' } });
  for (const [method, rest, body] of [
    ['POST', 'dbs', { name: 'shop' }],
    ['POST', 'users', { name: 'app' }],
    ['POST', 'users/doadmin/reset_auth', {}],
  ] as const) {
    const reply = await call(method, `${path}/${rest}`, { body });
    assert.deepEqual([reply.status, reply.body.message], [422, 'cluster is not online']);
  }
  assert.deepEqual(host.orders, []);
});
