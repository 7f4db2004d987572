import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { environmentName } from '../../../scripts/contract.ts';
import { removeServer } from '../../../scripts/local/server.ts';
import { superuser, withSession } from '../../../scripts/local/session.ts';
import { contentOf } from '../../support/content.ts';
import { startEngine } from '../../support/engine.ts';
import {
  database,
  type Fork,
  filesWith,
  makeFork,
  type Origin,
  productionEnvironment,
  startOrigin,
} from '../../support/fork.ts';
import { maskKey, policyFlags } from '../../support/policy.ts';
import { as } from '../../support/scenario.ts';
import { freshDatabase, servers, type TestDatabase } from '../../support/servers.ts';

const sql = `
  create table emptied (id int primary key, note text);
  create table losing (id int primary key, keep boolean not null, note text);
  create table masked (id int primary key, email text);
  create table twin (id int primary key, email text);
  create table flags (flag text primary key);
  create table untouched (id int primary key);
  create schema cron;
  create table cron.job (jobid int primary key, command text, active boolean);
  insert into emptied select g, 'KLARTEXT' || g from generate_series(1, 100) g;
  insert into losing select g, g % 2 = 0, case when g % 2 = 1 then 'KLARTEXT' end from generate_series(1, 100) g;
  insert into masked select g, 'KLARTEXT' || g || '@example.com' from generate_series(1, 100) g;
  insert into twin select * from masked;
  insert into flags values ('KLARTEXT of production');
  insert into cron.job values (1, 'select dangerous()', true);
  analyze;`;

const policy = `
version: 1
tables:
  public.emptied: { treatment: schema-only }
  public.losing: { where: keep }
  public.masked: { mask: { email: hash } }
  public.twin: { mask: { email: hash } }
  public.flags: { treatment: preserve }
before-publish: { sql: [own.sql] }
`;
const files = { 'own.sql': 'insert into public.untouched values (1);' };

/** Where a run stands still until it is killed: what holds it up, taken by somebody else before. For masks: closing.test.ts. */
const deaths: readonly (readonly [during: string, hold: string])[] = [
  ['neutralise', 'lock table cron.job in share row exclusive mode'],
  ['passwords', `select from pg_authid where rolname = 'reader' for update`],
  ['truncate', 'lock table emptied in access share mode'],
  ['leave out', 'lock table losing in share row exclusive mode'],
  ['rewrite', 'lock table twin in access share mode'],
  ['preserve', 'lock table flags in share row exclusive mode'],
  ['publish', 'lock table staging_refresh_fork.treatment in access share mode'],
];
const closed = ['ip_addr 127.0.0.1'];

let origin: Origin;
let inUse: TestDatabase;
before(async () => {
  origin = await startOrigin(sql);
  const { staging } = await servers();
  inUse = await freshDatabase(staging, { prefix: 'stag' });
  await as('app', inUse, (session) =>
    session.query(`create table flags (flag text primary key); insert into flags values ('of staging');
                   grant select on flags to doadmin`),
  );
});
after(async () => {
  if (origin) await removeServer(origin.server);
});

test('killed in each of its stages, one after the other: closed each time, and the next run goes on', async (t) => {
  await using fork = await makeFork(t, origin);
  const before = await contentOf(inUse);
  const [environment, flags] = [await environmentOf(fork), await policyFlags(policy, files)];
  await withSession(fork.server, superuser(fork.server), database, async (session) => {
    let said = '';
    for (const [during, hold] of deaths) {
      said = await dieOf(fork, hold, environment, flags);
      assert.deepEqual(await fork.list(), closed, during);
      const { rows } = await session.query(`select to_regnamespace('staging_refresh_fork') is null
          or not has_database_privilege('app', current_database(), 'connect') as closed`);
      assert.deepEqual(rows, [{ closed: true }], during);
    }
    assert.match(said, /it goes on where that one stood/);
    const { code, stderr } = await (await startEngine(environment, flags, 'fork')).result;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /a staging already/, 'the server carried out the COMMIT that the last one had sent');
    const { rows } = await session.query(`
      select (select count(*) from emptied)::int as emptied, (select count(*) from losing)::int as losing,
             (select count(*) from masked join twin using (id, email))::int as equal,
             (select string_agg(flag, ' ') from flags) as flags, (select count(*) from untouched)::int as untouched,
             (select bool_or(active) from cron.job) as active, to_regnamespace('staging_refresh_fork') as journal`);
    assert.deepEqual(rows, [
      { emptied: 0, losing: 50, equal: 100, flags: 'of staging', untouched: 1, active: false, journal: null },
    ]);
  });
  assert.deepEqual(await filesWith(fork.server, ['KLARTEXT']), []);
  assert.deepEqual(await fork.list(), closed);
  assert.deepEqual(await contentOf(inUse), before, 'the staging in use was changed');
});

test('killed in the team’s own steps: nobody knows which are done, so it stays closed and asks for a new fork', async (t) => {
  await using fork = await makeFork(t, origin);
  const [environment, flags] = [await environmentOf(fork), await policyFlags(policy, files)];
  await withSession(fork.server, superuser(fork.server), database, async (session) => {
    await dieOf(fork, 'lock table untouched in share row exclusive mode', environment, flags);
    const { code, stderr } = await (await startEngine(environment, flags, 'fork')).result;
    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /^refresh: fork-spoiled: an earlier run died in the middle of the policy’s own steps[\s\S]*make a new fork/m,
    );
    const { rows } = await session.query(
      `select has_database_privilege('app', current_database(), 'connect') as open`,
    );
    assert.deepEqual(rows, [{ open: false }]);
  });
  assert.deepEqual(await fork.list(), closed);
});

async function environmentOf(fork: Fork): Promise<Record<string, string>> {
  return {
    ...fork.environment,
    [environmentName.maskKey]: maskKey,
    [environmentName.previousStagingUrl]: inUse.url('doadmin'),
    [environmentName.previousStagingCa]: String(
      (await productionEnvironment(origin))[environmentName.stagingCa],
    ),
  };
}

/** What a run said that is killed where it waits for somebody; nothing of it is at work any more. */
async function dieOf(
  { server }: Fork,
  hold: string,
  environment: Readonly<Record<string, string>>,
  flags: readonly string[],
): Promise<string> {
  return await withSession(server, superuser(server), database, async (watching) => {
    const said = await withSession(server, superuser(server), database, async (holding) => {
      await holding.query('begin');
      await holding.query(hold);
      const [holder] = (await holding.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
      const engine = await startEngine(environment, [...flags, '--jobs', '2'], 'fork');
      let ended = false;
      const result = engine.result.finally(() => {
        ended = true;
      });
      // For this one: the run's own sessions wait for each other, too, for a moment.
      const waits = `${ofTheEngine} and ${holder?.pid} = any (pg_blocking_pids(pid))`;
      while (!(await some(watching, waits))) {
        assert.ok(!ended, `${hold}: it did not wait\n${engine.said()}`);
        await pause();
      }
      engine.kill('SIGKILL');
      assert.equal((await result).signal, 'SIGKILL');
      return engine.said();
    });
    // A statement that was waiting is carried out when it can be, whether or not anybody hears of it.
    while (await some(watching, ofTheEngine)) await pause();
    return said;
  });
}

const ofTheEngine = `application_name like 'staging-refresh %'`;

async function some(session: Client, condition: string): Promise<boolean> {
  const { rows } = await session.query(`select 1 from pg_stat_activity where ${condition}`);
  return rows.length > 0;
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
