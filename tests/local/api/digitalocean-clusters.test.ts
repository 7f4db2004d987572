import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificate, production, providerOrder, startDigitalOcean, stoppedClock } from './emulation.ts';

test('production is there from the beginning, with its CA and its connection', async (t) => {
  const { call } = await startDigitalOcean(t);
  const { body } = await call('GET', '/v2/databases?page=1&per_page=200');
  assert.deepEqual(
    body.databases.map(({ id, name, status }: Record<string, unknown>) => ({ id, name, status })),
    [{ id: production.id, name: 'shop-production', status: 'online' }],
  );
  const [cluster] = body.databases;
  assert.equal(
    cluster.connection.uri,
    'postgresql://doadmin:production%3Asecret@localhost:5433/defaultdb?sslmode=require',
  );
  const ca = await call('GET', `/v2/databases/${production.id}/ca`);
  assert.equal(Buffer.from(ca.body.ca.certificate, 'base64').toString(), certificate);
  const autoscale = await call('GET', `/v2/databases/${production.id}/autoscale`);
  assert.deepEqual(autoscale.body, { autoscale: { storage: { enabled: false } } });
});

test('a new cluster is creating until its server and its time have come', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call, host } = await startDigitalOcean(t, { creatingSeconds: 20, now: clock.now });
  const { promise, resolve } = Promise.withResolvers<void>();
  host.ready = promise;
  const created = await call('POST', '/v2/databases', {
    body: { ...providerOrder('shop-staging'), tags: ['staging'], rules: [] },
  });
  assert.equal(created.status, 201);
  assert.equal(created.body.database.status, 'creating');
  const path = `/v2/databases/${created.body.database.id}`;
  const status = async () => (await call('GET', path)).body.database.status;
  clock.forward(20);
  assert.equal(await status(), 'creating', 'the server is not ready');
  resolve();
  await call('GET', path);
  assert.equal(await status(), 'online');
  assert.deepEqual(host.orders, ['provision shop-staging 17']);
  const { connection, db_names, users } = (await call('GET', path)).body.database;
  assert.equal(connection.password, 'shop-staging:secret');
  assert.deepEqual(db_names, ['defaultdb']);
  assert.deepEqual(users, [{ name: 'doadmin', role: 'primary', password: 'shop-staging:secret' }]);
});

test('what the API refuses to create', async (t) => {
  const { call, host } = await startDigitalOcean(t);
  const refusals: readonly [string, object, number, RegExp][] = [
    ['a name that is taken', { name: 'shop-production' }, 422, /cluster name is not available/],
    ['a name with capitals', { name: 'Shop' }, 422, /invalid cluster name/],
    ['an unknown region', { region: 'mars1' }, 422, /invalid region/],
    ['an unknown size', { size: 'db-s-3vcpu-5gb' }, 422, /invalid size/],
    ['a size that has no standby', { size: 'db-s-1vcpu-1gb', num_nodes: 2 }, 422, /invalid size/],
    ['four nodes', { num_nodes: 4 }, 422, /num_nodes/],
    ['an unknown version', { version: '12' }, 422, /invalid engine version/],
    ['another engine', { engine: 'mysql' }, 422, /engine/],
    ['a bad network', { private_network_uuid: 'mine' }, 422, /private_network_uuid/],
    ['an IPv6 trusted source', { rules: [{ type: 'ip_addr', value: '2001:db8::1' }] }, 422, /IPv6/],
    ['a backup of nothing', { backup_restore: { database_name: 'nobody' } }, 404, /cluster not found/],
    [
      'a backup of another time',
      { backup_restore: { database_name: 'shop-production', backup_created_at: '2020-01-01T00:00:00Z' } },
      422,
      /backup not found/,
    ],
  ];
  for (const [what, change, status, message] of refusals) {
    const reply = await call('POST', '/v2/databases', { body: providerOrder('shop-staging', change) });
    assert.equal(reply.status, status, what);
    assert.match(reply.body.message, message, what);
  }
  const broken = await call('POST', '/v2/databases', { body: '{"name":' });
  assert.deepEqual([broken.status, broken.body.id], [400, 'bad_request']);
  assert.deepEqual(host.orders, []);
});

test('an account has ten clusters, listed in pages that link to each other', async (t) => {
  const { call, url } = await startDigitalOcean(t);
  for (let number = 1; number < 10; number += 1) {
    const reply = await call('POST', '/v2/databases', { body: providerOrder(`shop-${number}`) });
    assert.equal(reply.status, 201);
  }
  const eleventh = await call('POST', '/v2/databases', { body: providerOrder('shop-too-many') });
  assert.deepEqual([eleventh.status, eleventh.body.id], [422, 'unprocessable_entity']);
  const names: string[] = [];
  for (let next: string | undefined = `${url}/v2/databases?per_page=4`; next; ) {
    const { body } = await call('GET', next.slice(url.length));
    names.push(...body.databases.map(({ name }: { name: string }) => name));
    assert.equal(body.meta.total, 10);
    next = body.links.pages?.next;
  }
  assert.equal(new Set(names).size, 10);
  const tagged = await call('GET', '/v2/databases?tag_name=production');
  assert.deepEqual(
    tagged.body.databases.map(({ name }: { name: string }) => name),
    ['shop-production'],
  );
});

test('resize, migrate and upgrade change the cluster in place', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call } = await startDigitalOcean(t, { creatingSeconds: 15, now: clock.now });
  const path = `/v2/databases/${production.id}`;
  const shown = async () => {
    const { size, num_nodes, region, version, status } = (await call('GET', path)).body.database;
    return { size, num_nodes, region, version, status };
  };
  const before = { size: 'db-s-2vcpu-4gb', num_nodes: 1, region: 'fra1', version: '17', status: 'online' };
  assert.deepEqual(await shown(), before);
  const larger = { size: 'db-s-4vcpu-8gb', num_nodes: 2 };
  assert.equal((await call('PUT', `${path}/resize`, { body: larger })).status, 202);
  assert.deepEqual(await shown(), { ...before, ...larger, status: 'resizing' });
  const busy = await call('PUT', `${path}/migrate`, { body: { region: 'ams3' } });
  assert.deepEqual([busy.status, busy.body.message], [422, 'cluster is not online']);
  clock.forward(15);
  const migrated = await call('PUT', `${path}/migrate`, {
    body: { region: 'ams3', private_network_uuid: '' },
  });
  assert.equal(migrated.status, 202);
  assert.deepEqual(await shown(), { ...before, ...larger, region: 'ams3', status: 'migrating' });
  clock.forward(15);
  for (const [change, body, message] of [
    ['resize', { size: 'db-s-1vcpu-2gb', num_nodes: 2 }, /resized down/],
    ['resize', { size: 'db-s-4vcpu-8gb' }, /num_nodes/],
    ['resize', { size: 'huge', num_nodes: 1 }, /invalid size/],
    ['migrate', { region: 'mars1' }, /invalid region/],
    ['upgrade', { version: '18' }, /invalid engine version/],
    ['upgrade', { version: '16' }, /newer/],
    ['maintenance', { day: 'someday', hour: '14:00' }, /day/],
    ['maintenance', { day: 'tuesday', hour: '25:00' }, /hour/],
    ['autoscale', { storage: { enabled: true, threshold_percent: 5 } }, /threshold_percent/],
  ] as const) {
    const reply = await call('PUT', `${path}/${change}`, { body });
    assert.equal(reply.status, 422, change);
    assert.match(reply.body.message, message);
  }
  assert.deepEqual(await shown(), { ...before, ...larger, region: 'ams3' });
  assert.equal(
    (await call('PUT', `${path}/maintenance`, { body: { day: 'sunday', hour: '14:00' } })).status,
    204,
  );
  assert.equal((await call('GET', path)).body.database.maintenance_window.hour, '14:00');
  assert.equal((await call('PUT', `${path}/install_update`)).status, 204);
});

test('a major version goes up only', async (t) => {
  const { call } = await startDigitalOcean(t, { production: { ...production, version: '16' } });
  const path = `/v2/databases/${production.id}`;
  assert.equal((await call('PUT', `${path}/upgrade`, { body: { version: '17' } })).status, 204);
  assert.equal((await call('GET', path)).body.database.version, '17');
});

test('a deleted cluster is gone, its server too, and its name is free', async (t) => {
  const { call, host } = await startDigitalOcean(t);
  const { body } = await call('POST', '/v2/databases', { body: providerOrder('shop-staging') });
  const path = `/v2/databases/${body.database.id}`;
  assert.equal((await call('DELETE', path)).status, 204);
  assert.deepEqual(host.orders, ['provision shop-staging 17', `release ${body.database.id}`]);
  for (const [method, rest] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/firewall'],
    ['GET', '/ca'],
  ] as const) {
    const reply = await call(method, `${path}${rest}`);
    assert.deepEqual(
      [reply.status, reply.body.id, reply.body.message],
      [404, 'not_found', 'cluster not found'],
    );
  }
  assert.equal((await call('POST', '/v2/databases', { body: providerOrder('shop-staging') })).status, 201);
});

test('a server that cannot be made does not leave its cluster creating for ever', async (t) => {
  const { call, host } = await startDigitalOcean(t);
  const { promise, reject } = Promise.withResolvers<void>();
  host.ready = promise;
  const { body } = await call('POST', '/v2/databases', { body: providerOrder('shop-staging') });
  reject(new Error('no room on the disk'));
  const reply = await call('GET', `/v2/databases/${body.database.id}`);
  assert.equal(reply.status, 500);
  assert.match(reply.body.message, /no room on the disk/);
  assert.equal((await call('GET', '/v2/databases')).status, 200, 'the other clusters are still listed');
  assert.equal((await call('DELETE', `/v2/databases/${body.database.id}`)).status, 204);
});

test('a fork begins as a copy of the newest backup, with the databases and users of its origin', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call, host } = await startDigitalOcean(t, {
    now: clock.now,
    production: { ...production, databases: ['shop'], users: [{ name: 'app', password: 'of the app' }] },
  });
  const { backups } = (await call('GET', `/v2/databases/${production.id}/backups`)).body;
  const latest = backups.at(-1).created_at;
  const restore = { backup_restore: { database_name: 'shop-production' } };
  const order = { ...providerOrder('shop-fork'), size: 'db-s-2vcpu-4gb', ...restore };
  const fork = await call('POST', '/v2/databases', { body: order });
  assert.equal(fork.status, 201);
  assert.deepEqual(host.orders, [`provision shop-fork 17 from ${production.id} at ${latest}`]);
  const { db_names, users } = (await call('GET', `/v2/databases/${fork.body.database.id}`)).body.database;
  assert.deepEqual(db_names, ['defaultdb', 'shop']);
  assert.deepEqual(
    users.map(({ name, password }: Record<string, string>) => `${name} ${password}`),
    ['doadmin shop-fork:secret', 'app of the app'],
  );
  const small = { ...order, name: 'small', size: 'db-s-1vcpu-1gb' };
  const refused = await call('POST', '/v2/databases', { body: small });
  assert.deepEqual([refused.status, /origin's \d+ MiB/.test(refused.body.message)], [422, true]);
});

test('backups are daily, a week of them, oldest first, and always the same', async (t) => {
  const clock = stoppedClock('2026-11-22T10:00:00Z');
  const { call } = await startDigitalOcean(t, { now: clock.now });
  const path = `/v2/databases/${production.id}/backups`;
  const first = (await call('GET', path)).body;
  const times = first.backups.map(({ created_at }: { created_at: string }) => Date.parse(created_at));
  assert.equal(times.length, 7);
  const gaps = times.slice(1).map((time: number, index: number) => time - times[index]);
  assert.deepEqual(new Set(gaps), new Set([24 * 3600 * 1000]));
  assert.ok(times.at(-1) <= clock.now().getTime());
  assert.deepEqual((await call('GET', path)).body, first);
  clock.forward(24 * 3600);
  assert.deepEqual((await call('GET', path)).body.backups.slice(0, 6), first.backups.slice(1));
  const { body } = await call('POST', '/v2/databases', { body: providerOrder('shop-staging') });
  assert.deepEqual((await call('GET', `/v2/databases/${body.database.id}/backups`)).body.backups, []);
});
