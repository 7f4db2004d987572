import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import type { BrakesConfig } from '../../scripts/model/config.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { announcedPid } from '../../scripts/postgres/pg-client.ts';
import { openSession } from '../../scripts/postgres/session.ts';
import { exceeded, readBurden } from '../../scripts/stages/snapshot/brakes.ts';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import {
  as,
  leavingNoTrace,
  leavingStagingAlone,
  makeScenario,
  slowProduction,
  until,
  untilCopying,
} from '../support/scenario.ts';

test('a run that holds back production’s xmin for longer than it may makes way', async () => {
  await using scenario = await makeScenario(slowProduction);
  await leavingStagingAlone(scenario, () =>
    expectFailure(
      scenario.environment,
      {
        exit: 4,
        code: 'brake',
        says: /xmin was held back for more than 1 s[\s\S]*HINT: VACUUM could clean up/,
      },
      ['--max-xmin-age-seconds', '1'],
    ),
  );
});

test('a migration that waits for the run’s locks is let through, and is named', async () => {
  await using scenario = await makeScenario(slowProduction);
  const { production } = scenario;
  const engine = await startEngine(scenario.environment, ['--max-blocking-seconds', '1', '--jobs', '2']);
  await untilCopying(scenario, engine);
  // It gets its lock only when the run is over, long before the copy would be.
  await as('app', production, (session) =>
    session.query(`set application_name = 'a migration'; alter table customers add column note text`),
  );
  const result = await engine.result;
  assert.equal(result.code, 4, result.stderr);
  assert.match(
    result.stderr,
    /^refresh: brake: process \d+ \(a migration\) waited more than 1 s .*customers/m,
  );
});

test('a run that stands still lets a migration through as well: production ends its sessions', async () => {
  await using scenario = await makeScenario(slowProduction);
  const { production } = scenario;
  const engine = await startEngine(scenario.environment, ['--max-blocking-seconds', '1', '--jobs', '2']);
  await untilCopying(scenario, engine);
  engine.kill('SIGSTOP');
  await as('app', production, (session) =>
    session.query(`set lock_timeout = '30s'; alter table customers add column note text`),
  );
  await until(
    production,
    `select from pg_stat_activity having not bool_or(datname = $1 and xact_start is not null and query !~ 'pg_sleep')`,
    [production.name],
  );
  engine.kill('SIGCONT');
  const result = await engine.result;
  assert.equal(result.code, 4, result.stderr);
  assert.match(result.stderr, /^refresh: brake: the run stood still for \d+ s/m);
});

test('a reader that queues behind a migration fails instead of waiting for ever', async () => {
  await using scenario = await makeScenario(slowProduction);
  const { production, environment } = scenario;
  // Large enough to be loaded by itself.
  await as('app', production, (session) =>
    session.query(`
      delete from slow where id > 200;
      alter table slow alter filler set storage external;
      update slow set filler = filler || id;`),
  );
  // One job: the largest table is under way, and the others' locks are the snapshot's alone.
  const engine = await startEngine(environment, ['--lock-wait', '1', '--jobs', '1']);
  await untilCopying(scenario, engine);
  const ended = await as('app', production, async (session) => {
    const migration = session.query('alter table customers add column note text');
    const result = await engine.result;
    await migration;
    return result;
  });
  assert.equal(ended.code, 3, ended.stderr);
  assert.match(ended.stderr, /^refresh: table-locked: /m);
});

test('only who waits for ACCESS EXCLUSIVE waits for the run, and who of the run waits behind it is seen', async () => {
  await using scenario = await makeScenario();
  const { production, environment } = scenario;
  using open = new DisposableStack();
  const address = parseConnectionUrl(
    production.url('app'),
    environmentName.productionUrl,
    environment[environmentName.productionCa],
  );
  const login = async (applicationName: string) => {
    const session = await openSession(address, { side: 'production', applicationName });
    // One that waits would not answer a goodbye.
    open.defer(() => session.destroy());
    return session;
  };
  const begin = async (applicationName: string) => {
    const session = await login(applicationName);
    await session.run('begin');
    return session;
  };
  const lock = (mode: string) => `lock table orders in ${mode} mode`;
  const ours = await begin('staging-refresh 1');
  await ours.run(lock('access share'));
  // In a transaction a session would see the same activity again and again.
  const watch = await login('staging-refresh 1');
  const burden = () => readBurden(watch, announcedPid(ours.client), '1');
  const waiting = async (name: string, mode: string) => {
    const session = await begin(name);
    session.run(lock(mode)).catch(() => undefined);
    await until(production, 'select 1 as waits from pg_locks where pid = $1 and waitstart is not null', [
      announcedPid(session.client),
    ]);
  };
  // As REINDEX CONCURRENTLY waits for CREATE INDEX CONCURRENTLY, and neither keeps anybody from a row.
  await (await begin('one index')).run(lock('share update exclusive'));
  await waiting('another index', 'share update exclusive');
  assert.equal((await burden())?.waiting, null);

  await waiting('a migration', 'access exclusive');
  const alone = (await burden())?.waiting;
  assert.deepEqual([alone?.application, alone?.behind], ['a migration', null]);
  await waiting('staging-refresh 1 program', 'access share');
  const stuck = (await burden())?.waiting;
  assert(stuck);
  assert.equal(stuck.application, 'a migration');
  assert.equal(typeof stuck.behind, 'number');

  const exceeds = (seconds: number, behind: number | null) =>
    exceeded({ blockingSeconds: 30 } as BrakesConfig, 10, {
      heldBack: 60,
      replayLag: null,
      waiting: { ...stuck, seconds, behind },
    })?.message;
  assert.equal(exceeds(29, null), undefined);
  assert.equal(exceeds(29, 10.5), undefined);
  assert.match(exceeds(12, 11.5) ?? '', /\(a migration\) waited more than 10 s /);
  assert.match(exceeds(31, null) ?? '', /\(a migration\) waited more than 30 s /);
});

test('a production with less than half of staging’s rows is taken for a wrong one', async () => {
  await using scenario = await makeScenario();
  const { production, staging, environment } = scenario;
  await expectRun(environment);
  await as('app', production, (session) => session.query('delete from orders where id > 500'));
  await leavingStagingAlone(scenario, () =>
    expectFailure(environment, {
      exit: 5,
      code: 'source-shrunk',
      says: /production has 550 rows .* staging has about 2,050[\s\S]*HINT: PRODUCTION_DB_URL .*--allow-shrink/,
    }),
  );
  await leavingNoTrace(scenario, () => expectRun(environment, ['--allow-shrink']));
  assert.deepEqual(await contentOf(staging), await contentOf(production));
});
