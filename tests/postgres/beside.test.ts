import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalServer } from '../../scripts/local/local-server.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { dropBeside } from '../../scripts/postgres/beside.ts';
import { openSession } from '../../scripts/postgres/session.ts';
import { as, until } from '../support/scenario.ts';
import { engineEnvironment, freshDatabase, servers } from '../support/servers.ts';

/** Vacuumed as soon as the server looks, for longer than any test takes. */
const longVacuum = `
  create table wide (id integer, filler text) with (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
  insert into wide select g, repeat('x', 1000) from generate_series(1, 20000) g;`;

test('a database goes although autovacuum is at work in it and somebody is connected', async () => {
  const { staging: server } = await servers();
  const database = await freshDatabase(server, { owner: 'doadmin', prefix: 'beside' });
  const { STAGING_DB_URL: url, STAGING_DB_CA: ca } = await engineEnvironment({
    productionDatabase: 'postgres',
    stagingDatabase: 'postgres',
  });
  await using maintenance = await openSession(parseConnectionUrl(url ?? '', 'STAGING_DB', ca), {
    side: 'staging',
    applicationName: 'beside test',
  });
  await looking(server, '1s');
  try {
    await as('doadmin', database, async (client) => {
      client.on('error', () => undefined);
      await client.query(longVacuum);
      await until(
        database,
        `select 1 from pg_stat_activity where datname = $1 and backend_type = 'autovacuum worker'`,
        [database.name],
      );
      await dropBeside(maintenance, database.name);
      await assert.rejects(client.query('select 1'));
    });
  } finally {
    await looking(server, 'default');
  }
  const left = await maintenance.rows('select from pg_database where datname = $1', [database.name]);
  assert.deepEqual(left, []);
  await dropBeside(maintenance, database.name);
});

/** How often the server looks for tables to vacuum; the shortest is a second. */
async function looking(server: LocalServer, naptime: '1s' | 'default'): Promise<void> {
  await as('postgres', { server, name: 'postgres' }, async (session) => {
    await session.query(`alter system set autovacuum_naptime = ${naptime === '1s' ? `'1s'` : 'default'}`);
    await session.query('select pg_reload_conf()');
  });
}
