import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { environmentName } from '../../../scripts/contract.ts';
import { connectionUrl, removeServer } from '../../../scripts/local/server.ts';
import { superuser, withSession } from '../../../scripts/local/session.ts';
import { contentOf } from '../../support/content.ts';
import { expectFailure, runEngine, startEngine } from '../../support/engine.ts';
import { database, filesWith, makeFork, type Origin, productionEnvironment } from '../../support/fork.ts';
import { maskKey, policyFlags } from '../../support/policy.ts';
import { freshDatabase, servers } from '../../support/servers.ts';
import { becomeStandby } from '../../support/standby.ts';
import { startBusyOrigin } from './busy-origin.ts';

const policy = `
version: 1
tables:
  public.quick: { mask: { email: email } }
  public.slow: { mask: { email: email } }
`;

let origin: Origin;
before(async () => {
  origin = await startBusyOrigin();
});
after(async () => {
  if (origin) await removeServer(origin.server);
});

const masking = { [environmentName.maskKey]: maskKey };

test('killed in the middle it stays closed, and the next run goes on; nothing in it acts by itself any more', async (t) => {
  await using fork = await makeFork(t, origin);
  await using straight = await makeFork(t, origin);
  const flags = await policyFlags(policy);
  const once = await (await startEngine({ ...straight.environment, ...masking }, flags, 'fork')).result;
  assert.equal(once.code, 0, once.stderr);
  assert.match(once.stderr, /the event trigger notices can’t be disabled/);

  const { app } = await servers();
  const slowly = new Client({
    ...superuser(fork.server),
    host: fork.server.host,
    port: fork.server.port,
    database,
    application_name: 'slowly, please',
    ssl: { rejectUnauthorized: false },
  });
  slowly.on('error', () => undefined);
  await slowly.connect();
  t.after(() => slowly.end());
  const engine = await startEngine({ ...fork.environment, ...masking }, [...flags, '--jobs', '2'], 'fork');
  let ended = false;
  engine.result.then(
    () => {
      ended = true;
    },
    () => undefined,
  );
  // Nobody but the UPDATE of `slow` sleeps.
  const half = `select 1 from staging_refresh_fork.batches where relation = 'quick'::regclass and clear is not null
      and exists (select from pg_stat_activity where wait_event = 'PgSleep')`;
  for (let tries = 0; ; tries++) {
    assert.ok(!ended && tries < 1500, engine.said());
    const { rows } = await slowly.query(half).catch(() => ({ rows: [] }));
    if (rows.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  engine.kill('SIGKILL');
  await engine.result.catch(() => undefined);
  assert.deepEqual(await fork.list(), ['ip_addr 127.0.0.1']);
  await withSession(fork.server, superuser(fork.server), 'postgres', (session) =>
    session.query(`alter role app password '${app.password}'`),
  );
  await assert.rejects(
    withSession(fork.server, app, database, (session) => session.query('select 1')),
    /permission denied for database/,
  );
  await slowly.query("set application_name = 'fast'");

  const other = await policyFlags(
    policy.replace('slow: { mask: { email: email }', 'slow: { mask: { email: hash }'),
  );
  const refused = await (await startEngine({ ...fork.environment, ...masking }, other, 'fork')).result;
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /^refresh: fork-spoiled: it was begun under another policy/m);

  const next = await (await startEngine({ ...fork.environment, ...masking }, flags, 'fork')).result;
  assert.equal(next.code, 0, next.stderr);
  assert.match(next.stderr, /it goes on where that one stood/);
  assert.deepEqual(
    await contentOf({ server: fork.server, name: database }),
    await contentOf({ server: straight.server, name: database }),
    'nothing was masked twice',
  );
  assert.deepEqual(await filesWith(fork.server, ['KLARTEXT']), []);
  const { rows } = await slowly.query(`
    select (select count(*) from pg_subscription)::int as subscriptions, (select count(*) from pg_user_mappings)::int as mappings,
           (select count(*) from cron.job where active)::int as jobs, (select count(*) from pg_prepared_xacts)::int as prepared,
           (select string_agg(datname, ' ' order by datname) from pg_database where not datistemplate) as databases`);
  assert.deepEqual(rows, [
    { subscriptions: 0, mappings: 0, jobs: 0, prepared: 0, databases: 'defaultdb postgres shop' },
  ]);
  const again = await (await startEngine({ ...fork.environment, ...masking }, flags, 'fork')).result;
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /a staging already: nothing was done to it/);
});

test('it is refused where it is no fork: production, the staging in use, another server, mixed up ids', async (t) => {
  await using fork = await makeFork(t, origin);
  const { staging } = await servers();
  const flags = await policyFlags(policy);
  const { server } = origin;
  const production = connectionUrl(server, 'doadmin', server.adminPassword, database);
  const other = await freshDatabase(staging, { prefix: 'stag' });
  const before = await contentOf({ server, name: database });
  const { environment } = fork;
  const inUse = { [environmentName.previousStagingUrl]: String(environment[environmentName.stagingUrl]) };
  const cases: [string, Record<string, string>, RegExp][] = [
    [
      'production’s URL',
      { [environmentName.stagingUrl]: production },
      /^refresh: not-a-fork: .* is not where that cluster is/m,
    ],
    [
      'production’s id and URL',
      {
        [environmentName.stagingUrl]: production,
        [environmentName.stagingClusterId]: String(environment[environmentName.productionClusterId]),
      },
      /^refresh: not-a-fork: both ids are production’s/m,
    ],
    [
      'the staging in use',
      { ...inUse, [environmentName.previousStagingCa]: String(environment[environmentName.stagingCa]) },
      /^refresh: not-a-fork: that cluster is at/m,
    ],
    ['another server', { [environmentName.stagingUrl]: other.url('doadmin') }, /^refresh: not-a-fork: /m],
    ['no token', { [environmentName.digitalOceanToken]: '' }, /^refresh: bad-environment: /m],
  ];
  for (const [name, changes, says] of cases) {
    const { code, stderr } = await (
      await startEngine({ ...environment, ...masking, ...changes }, flags, 'fork')
    ).result;
    assert.ok(code === 3 || code === 2, `${name}: ${stderr}`);
    assert.match(stderr, says, name);
    assert.deepEqual(await fork.list(), [], `${name}: the list was written`);
  }
  assert.deepEqual(await contentOf({ server, name: database }), before, 'production was changed');
});

test('a materialized view whose last rows go keeps its statistics, and the fork stays closed for it', async (t) => {
  await using fork = await makeFork(t, origin);
  const flags = await policyFlags(`
version: 1
tables:
  public.quick: { treatment: schema-only }
  public.slow: { treatment: schema-only }
  public.traces: { treatment: schema-only }
`);
  const { code, stderr } = await (await startEngine(fork.environment, flags, 'fork')).result;
  assert.equal(code, 3, stderr);
  assert.match(
    stderr,
    /^refresh: not-permitted: statistics hold values of public\.tracks \(who\), which has no rows any more/m,
  );
  assert.deepEqual(await fork.list(), ['ip_addr 127.0.0.1']);
});

test('a production that is a replica of the staging server stops the run; ids of two clusters say that it is none', async (t) => {
  await using fork = await makeFork(t, origin);
  await becomeStandby(fork.server);
  const { reader } = await servers();
  const { server } = origin;
  const environment = {
    ...(await productionEnvironment(origin)),
    [environmentName.productionUrl]: connectionUrl(fork.server, reader.user, reader.password, database),
    [environmentName.stagingUrl]: connectionUrl(server, 'doadmin', server.adminPassword, database),
    [environmentName.stagingCa]: readFileSync(server.caFile, 'utf8'),
  };
  await expectFailure(environment, {
    exit: 3,
    code: 'replica-of-staging',
    says: /HINT: check both URLs; if staging is a fork of production, give PROD_DB_CLUSTER_ID/,
  });
  const ids = {
    [environmentName.productionClusterId]: '9f8f0b8e-0000-4000-8000-000000000001',
    [environmentName.stagingClusterId]: '9f8f0b8e-0000-4000-8000-000000000002',
  };
  const { stderr } = await runEngine({ ...environment, ...ids });
  assert.match(stderr, /staging is a fork of production: equal system identifier, another server/);
});
