import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { createDatabase } from '../../scripts/local/roles.ts';
import { connectionUrl, createServer, removeServer } from '../../scripts/local/server.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { expectRun } from '../support/engine.ts';
import { installWith } from '../support/own-install.ts';
import { engineEnvironment, servers, testFolder } from '../support/servers.ts';

/** Rows of its own beside its users', keys to itself and to its own rows, a sequence; and a table that is no configuration. */
const extension = {
  name: 'configured',
  control: `default_version = '1.0'\nrelocatable = false\nschema = conf\n`,
  script: `
    create table conf.kind (name text primary key, builtin boolean not null default false);
    insert into conf.kind values ('first', true), ('second', true);
    create table conf.a_setting (id integer primary key, kind text not null references conf.kind, next integer references conf.a_setting);
    create table conf.cache (id integer);
    insert into conf.cache values (1);
    create sequence conf.numbers;
    create index on conf.a_setting (kind);
    select pg_catalog.pg_extension_config_dump('conf.kind', 'WHERE NOT builtin');
    select pg_catalog.pg_extension_config_dump('conf.a_setting', '');
    select pg_catalog.pg_extension_config_dump('conf.numbers', '');`,
};

test('rows that users have put into an extension’s configuration tables', async (t) => {
  const pair = await servers();
  const folder = await testFolder();
  await chmod(folder, 0o755);
  const tools = await installWith(pair.tools, join(folder, 'install'), extension);
  if (!tools) return t.skip('this installation of PostgreSQL takes no extension of a test’s own');
  const authority = await openAuthority(join(folder, 'authority'));
  const settings = { fsync: 'off', max_connections: '50' };
  const server = await createServer({ name: 'one', folder: join(folder, 'one'), tools, authority, settings });
  try {
    const read = async (database: string) =>
      await withSession(server, superuser(server), database, async (session) => {
        const { rows } = await session.query(
          `select (select json_agg(k order by name) from conf.kind k) as kinds,
                  (select json_agg(s order by id) from conf.a_setting s) as settings,
                  (select json_agg(c) from conf.cache c) as cache,
                  (select json_build_array(last_value, is_called) from conf.numbers) as numbers`,
        );
        return rows[0];
      });
    for (const database of ['production', 'staging']) await createDatabase(server, database, 'postgres');
    await withSession(server, superuser(server), 'production', (session) =>
      session.query(`
        create schema conf; create extension configured schema conf;
        insert into conf.kind values ('own');
        insert into conf.a_setting values (1, 'first', null), (2, 'second', 1);
        insert into conf.cache values (2);
        select setval('conf.numbers', 42);
        create table t (id integer primary key, kind text references conf.kind); insert into t values (1, 'own')`),
    );
    const url = (database: string) =>
      connectionUrl(server, server.superuser, server.superuserPassword, database);
    const ca = await readFile(server.caFile, 'utf8');
    const { report } = await expectRun(
      {
        ...(await engineEnvironment({ productionDatabase: 'production', stagingDatabase: 'staging' })),
        PG_BINDIR: tools.bindir,
        PRODUCTION_DB_URL: url('production'),
        PRODUCTION_DB_CA: ca,
        STAGING_DB_URL: url('staging'),
        STAGING_DB_CA: ca,
      },
      ['--verify', 'checksums', '--rehearse'],
    );

    assert.deepEqual(report.leftOut, []);
    const production = await read('production');
    // What is no configuration is the extension's own affair: its script has made it anew.
    assert.deepEqual(await read('staging'), { ...production, cache: [{ id: 1 }] });
  } finally {
    await removeServer(server);
  }
});
