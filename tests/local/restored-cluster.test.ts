import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { LocalClusters } from '../../scripts/local/cluster-host.ts';
import { createDatabase, createUser } from '../../scripts/local/roles.ts';
import { connectionUrl, createServer, type LocalServer, removeServer } from '../../scripts/local/server.ts';
import { admin } from '../../scripts/local/session.ts';
import { query, servers, testFolder } from '../support/servers.ts';

const folder = await testFolder();
let origin: LocalServer | undefined;
after(async () => {
  if (origin) await removeServer(origin);
});

const identifier =
  'select system_identifier::text as id, pg_is_in_recovery() as replica from pg_control_system()';

test('a cluster from a backup is production’s files, roles and passwords, with an administrator’s of its own', async () => {
  const { tools } = await servers();
  const authority = await openAuthority(join(folder, 'authority'));
  const settings = { fsync: 'off' };
  origin = await createServer({ name: 'origin', folder: join(folder, 'origin'), tools, authority, settings });
  await createUser(origin, 'app', 'of the app');
  await createDatabase(origin, 'shop', 'app');
  const urlOfApp = connectionUrl(origin, 'app', 'of the app', 'shop');
  await query(urlOfApp, origin.caFile, 'create table sales as select generate_series(1, 10) as id');

  const production = { id: randomUUID(), server: origin };
  const clusters = new LocalClusters({
    folder: join(folder, 'clusters'),
    tools,
    authority,
    settings,
    production,
  });
  const order = { id: randomUUID(), name: 'fork', version: '17' };
  const restore = { clusterId: production.id, at: '2026-11-22T02:00:00Z' };
  const made = await clusters.provision({ ...order, restore });
  try {
    const { caFile, adminPassword } = origin;
    const url = (user: string, password: string, port = made.port) =>
      `postgresql://${user}:${encodeURIComponent(password)}@localhost:${port}/shop`;
    assert.notEqual(made.port, origin.port);
    assert.notEqual(made.password, adminPassword);
    await assert.rejects(query(url('doadmin', adminPassword), caFile, 'select 1'), /password authentication/);
    const [fork] = await query(url('doadmin', made.password), caFile, identifier);
    const [source] = await query(
      connectionUrl(origin, 'doadmin', admin(origin).password, 'shop'),
      caFile,
      identifier,
    );
    assert.deepEqual(fork, source);
    assert.deepEqual(await query(url('app', 'of the app'), caFile, 'select count(*) from sales'), [
      { count: '10' },
    ]);
    await query(url('app', 'of the app'), caFile, 'delete from sales');
    assert.deepEqual(await query(urlOfApp, caFile, 'select count(*) from sales'), [{ count: '10' }]);
    assert.deepEqual(
      await clusters.provision({ ...order, restore }),
      made,
      'asked again, it is the same one',
    );
  } finally {
    await clusters.release(order.id);
  }
});
