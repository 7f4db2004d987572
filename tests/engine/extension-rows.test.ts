import assert from 'node:assert/strict';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { openAuthority } from '../../scripts/local/certificates.ts';
import type { PostgresTools } from '../../scripts/local/postgres-install.ts';
import { createDatabase } from '../../scripts/local/roles.ts';
import { connectionUrl, createServer, type LocalServer, removeServer } from '../../scripts/local/server.ts';
import { admin, superuser, withSession } from '../../scripts/local/session.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import { closed, configured, cron, timescale } from '../support/own-extensions.ts';
import { controlFile, installWith } from '../support/own-install.ts';
import { engineEnvironment, servers, testFolder } from '../support/servers.ts';

const rows = `
  insert into conf.kind values ('own');
  insert into conf.a_setting values (1, 'first', null), (2, 'second', 1);
  insert into conf.cache values (2);
  select setval('conf.numbers', 42);
  insert into cron.job (command) values ('select bill()');`;

interface Own {
  readonly server: LocalServer;
  readonly tools: PostgresTools;
}

let shared: Promise<Own | undefined> | undefined;
after(async () => {
  const own = await shared?.catch(() => undefined);
  if (own) await removeServer(own.server);
});

test('rows that users have put into an extension’s configuration tables', async (t) => {
  const own = await ownServer(t);
  if (!own) return;
  const sql = inDatabase(own.server);
  for (const database of ['production', 'staging']) await createDatabase(own.server, database, 'postgres');
  await sql(
    'production',
    `create schema conf; create extension configured schema conf; create extension pg_cron; create extension timescaledb;
     ${rows}
     create table t (id integer primary key, kind text references conf.kind); insert into t values (1, 'own')`,
  );
  const { report } = await expectRun(await environment(own, superuser(own.server), 'production', 'staging'), [
    '--verify',
    'checksums',
    '--rehearse',
  ]);

  assert.deepEqual(
    report.leftOut.map(({ object }) => object),
    ['rows of TimescaleDB’s own tables, its jobs among them'],
  );
  const read = async (database: string) =>
    await sql(
      database,
      `select (select json_agg(k order by name) from conf.kind k) as kinds,
              (select json_agg(s order by id) from conf.a_setting s) as settings,
              (select json_agg(c) from conf.cache c) as cache,
              (select json_build_array(last_value, is_called) from conf.numbers) as numbers`,
    );
  const [production] = await read('production');
  // What is no configuration is the extension's own affair: its script has made it anew.
  assert.deepEqual(await read('staging'), [{ ...production, cache: [{ id: 1 }] }]);
  // Production's jobs are there to be looked at, and none of them runs.
  assert.deepEqual(await sql('staging', 'select command, active from cron.job'), [
    { command: 'select bill()', active: false },
  ]);
});

test('an administrator who is no superuser, and extensions whose tables are not its own', async (t) => {
  const own = await ownServer(t);
  if (!own) return;
  const sql = inDatabase(own.server);
  for (const database of ['offered', 'managed']) await createDatabase(own.server, database);
  await sql(
    'offered',
    `create schema conf; create extension configured schema conf; create extension pg_cron; create extension closed;
     ${rows} insert into closed_rows default values; create table t (id integer primary key); insert into t values (1)`,
  );
  const asAdmin = await environment(own, admin(own.server), 'offered', 'managed');
  const asSuperuser = await environment(own, superuser(own.server), 'offered', 'managed');
  const notWritable = [
    '1 row of TABLE conf.kind',
    '1 row of TABLE cron.job',
    '2 rows of TABLE conf.a_setting',
    'position of SEQUENCE conf.numbers',
    'position of SEQUENCE cron.job_jobid_seq',
  ];
  const ofClosed = [
    '1 row of TABLE public.closed_rows',
    'EXTENSION closed',
    'position of SEQUENCE public.closed_rows_id_seq',
  ];

  await writeFile(controlFile(own.tools, 'closed'), closed.control.replace('1.0', '1.1'));
  const { report, stderr } = await expectRun(asAdmin, ['--verify', 'checksums']);
  assert.match(stderr, /the extension closed is 1\.0 in production and 1\.1 in staging/);
  assert.match(stderr, /only a superuser may create the extension closed: unless [\s\S]*, it is left out/);
  assert.deepEqual(
    report.leftOut.map(({ object }) => object).toSorted(),
    [...notWritable, ...ofClosed].toSorted(),
  );
  assert.match(stderr, /row of TABLE cron\.job: it belongs to an extension of postgres/);
  assert.match(stderr, /row of TABLE public\.closed_rows: it belongs to an extension that staging does not/);

  // pg_cron's own process would be such a session.
  await withSession(own.server, superuser(own.server), 'managed', async () => {
    await expectFailure(asAdmin, {
      exit: 3,
      code: 'not-permitted',
      says: /pg_cron is always connected to its database[\s\S]*refresh in place/,
    });
  });

  await rm(controlFile(own.tools, 'closed'));
  await sql('offered', 'create view uses_it as select id from closed_rows');
  await expectFailure(asAdmin, {
    exit: 3,
    code: 'not-permitted',
    says: /does not offer the extension closed, which .*uses_it needs/,
  });
  await sql('offered', 'drop view uses_it');

  const folder = await testFolder();
  const inPlace = await expectRun(asSuperuser, ['--strategy', 'in-place', '--artifact', folder]);
  assert.match(inPlace.stderr, /extension closed, which nothing in production needs, is left out/);
  assert.deepEqual(inPlace.report.leftOut.map(({ object }) => object).toSorted(), ofClosed.toSorted());
  const found = `select (select json_agg(active) from cron.job) as active, (select count(*)::int from conf.kind) as kinds,
                        (select nspacl::text from pg_namespace where nspname = 'conf') as acl`;
  const [staging] = await sql('managed', found);
  assert.deepEqual(staging, { active: [false], kinds: 3, acl: '{postgres=UC/postgres,=U/postgres}' });

  const file = inPlace.report.artifact?.path;
  assert(file);
  const restored = await (await startEngine(asAdmin, [file], 'restore')).result;
  assert.equal(restored.code, 0, restored.stderr);
  assert.deepEqual(
    restored.report?.leftOut.map(({ object }) => object).toSorted(),
    [...notWritable, ...ofClosed].toSorted(),
  );
});

test('hypertables of TimescaleDB are refused before anything is written', async (t) => {
  const own = await ownServer(t);
  if (!own) return;
  for (const database of ['hyper', 'still']) await createDatabase(own.server, database);
  await inDatabase(own.server)(
    'hyper',
    `create extension timescaledb; create table t (id integer);
     insert into _timescaledb_catalog.hypertable values ('_timescaledb_internal', '_compressed'), ('public', 't')`,
  );
  await expectFailure(await environment(own, admin(own.server), 'hyper', 'still'), {
    exit: 3,
    code: 'extension-unsupported',
    says: /2 hypertables of TimescaleDB, such as public\.t, cannot/,
  });
});

/** One for all of them: 17 looks for extensions in the server's own folder alone. */
async function ownServer(t: TestContext): Promise<Own | undefined> {
  shared ??= makeServer();
  const own = await shared;
  if (!own) t.skip('this installation of PostgreSQL takes no extension of a test’s own');
  return own;
}

async function makeServer(): Promise<Own | undefined> {
  const pair = await servers();
  const folder = await testFolder();
  await chmod(folder, 0o755);
  const tools = await installWith(
    pair.tools,
    join(folder, 'install'),
    ...[configured, cron, closed, timescale],
  );
  if (!tools) return undefined;
  const authority = await openAuthority(join(folder, 'authority'));
  const settings = { fsync: 'off', max_connections: '50' };
  const server = await createServer({ name: 'one', folder: join(folder, 'one'), tools, authority, settings });
  return { server, tools };
}

function inDatabase(server: LocalServer) {
  return async (database: string, text: string): Promise<Record<string, unknown>[]> =>
    await withSession(server, superuser(server), database, async (session) => {
      const result = await session.query(text);
      return Array.isArray(result) ? [] : result.rows;
    });
}

async function environment(
  { server, tools }: Own,
  staging: { readonly user: string; readonly password: string },
  productionDatabase: string,
  stagingDatabase: string,
): Promise<Record<string, string>> {
  const ca = await readFile(server.caFile, 'utf8');
  return {
    ...(await engineEnvironment({ productionDatabase, stagingDatabase })),
    PG_BINDIR: tools.bindir,
    PRODUCTION_DB_URL: connectionUrl(server, server.superuser, server.superuserPassword, productionDatabase),
    PRODUCTION_DB_CA: ca,
    STAGING_DB_URL: connectionUrl(server, staging.user, staging.password, stagingDatabase),
    STAGING_DB_CA: ca,
  };
}
