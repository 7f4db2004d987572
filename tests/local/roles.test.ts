import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectionUrl, type LocalServer } from '../../scripts/local/server.ts';
import { dropDatabase, freshDatabase, query, sampleDatabase, servers } from '../support/servers.ts';

describe('doadmin', () => {
  test("has DigitalOcean's published attributes and is no superuser", async () => {
    const { production, staging } = await servers();
    for (const server of [production, staging]) {
      const rows = await asAdmin(
        server,
        `SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user`,
      );
      assert.deepEqual(rows, [
        { rolsuper: false, rolcreatedb: true, rolcreaterole: true, rolreplication: true, rolbypassrls: true },
      ]);
    }
  });

  test('owns defaultdb, beside which postgres exists', async () => {
    const { staging } = await servers();
    const rows = await asAdmin(
      staging,
      `SELECT datname, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname IN ('defaultdb', 'postgres') ORDER BY 1`,
    );
    assert.deepEqual(rows, [
      { datname: 'defaultdb', owner: 'doadmin' },
      { datname: 'postgres', owner: 'postgres' },
    ]);
  });

  test('may not do what a superuser may', async () => {
    const { staging } = await servers();
    for (const statement of [
      'CREATE ROLE more SUPERUSER',
      'CREATE EXTENSION file_fdw',
      `COPY (SELECT 1) TO PROGRAM 'true'`,
    ]) {
      await assert.rejects(asAdmin(staging, statement), { code: '42501' }, statement);
    }
  });

  test('grants itself the app and replaces its database by two renames in one transaction', async () => {
    const { staging } = await servers();
    const live = await freshDatabase(staging, { prefix: 'live' });
    const next = { ...live, name: `${live.name}_next` };
    const previous = { ...live, name: `${live.name}_previous` };
    const before = await oidOf(staging, live.name);
    await asAdmin(staging, 'GRANT app TO doadmin');
    await asAdmin(staging, `CREATE DATABASE ${next.name} OWNER app TEMPLATE template0`);
    const built = await oidOf(staging, next.name);
    await asAdmin(
      staging,
      `BEGIN; ALTER DATABASE ${live.name} RENAME TO ${previous.name}; ALTER DATABASE ${next.name} RENAME TO ${live.name}; COMMIT`,
    );
    assert.equal(await oidOf(staging, live.name), built);
    assert.equal(await oidOf(staging, previous.name), before);
    await dropDatabase(live);
    await dropDatabase(previous);
  });
});

describe('app', () => {
  test('as a plain owner can not rename its database, nor make another', async () => {
    const { staging } = await servers();
    const own = await freshDatabase(staging);
    const other = await freshDatabase(staging);
    for (const statement of [
      `ALTER DATABASE ${own.name} RENAME TO ${own.name}_x`,
      `CREATE DATABASE ${own.name}_x`,
    ]) {
      await assert.rejects(query(other.url('app'), staging.caFile, statement), { code: '42501' }, statement);
    }
    await dropDatabase(own);
    await dropDatabase(other);
  });

  test('others may not create in the schema public', async () => {
    const { staging } = await servers();
    const database = await freshDatabase(staging, { owner: 'doadmin' });
    await assert.rejects(query(database.url('app'), staging.caFile, 'CREATE TABLE public.t (i int)'), {
      code: '42501',
    });
    await dropDatabase(database);
  });
});

describe('reader', () => {
  test('reads every table of production, past row security too', async () => {
    const { production } = await servers();
    const shop = await sampleDatabase();
    const contacts = await query(
      shop.url('reader'),
      production.caFile,
      `SELECT count(*)::int AS rows, (SELECT relrowsecurity FROM pg_class WHERE relname = 'contacts') AS secured FROM contacts`,
    );
    assert.deepEqual(contacts, [{ rows: 24000, secured: true }]);
    await dropDatabase(shop);
  });

  test('can not write, not even a session that asks for it', async () => {
    const { production } = await servers();
    const shop = await sampleDatabase();
    const write = `DELETE FROM feature_flags`;
    await assert.rejects(query(shop.url('reader'), production.caFile, write), { code: '25006' });
    const insisting = `BEGIN READ WRITE; ${write}; COMMIT`;
    await assert.rejects(query(shop.url('reader'), production.caFile, insisting), { code: '42501' });
    await dropDatabase(shop);
  });
});

async function asAdmin(server: LocalServer, sql: string): Promise<Record<string, unknown>[]> {
  const url = connectionUrl(server, server.adminUser, server.adminPassword, 'defaultdb');
  return await query(url, server.caFile, sql);
}

async function oidOf(server: LocalServer, database: string): Promise<unknown> {
  const [row] = await asAdmin(server, `SELECT oid FROM pg_database WHERE datname = '${database}'`);
  return row?.oid;
}
