import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import { policyFlags } from '../support/policy.ts';
import { isRunning } from '../support/process.ts';
import {
  as,
  assertAtRest,
  databasesBeside,
  leavingStagingAlone,
  makeScenario,
  type Scenario,
  slowProduction,
  until,
  untilCopying,
} from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';

/** From now on the slow table is quick: a new run gets this function with the schema. */
const noLongerSlow = `create or replace function in_good_time(id integer) returns boolean language sql
  as $$ select true $$`;

test('SIGTERM, SIGINT and SIGHUP in the middle of the copy: 130, and nothing has happened', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    await t.test(signal, async () => {
      await leavingStagingAlone(scenario, async () => {
        const engine = await startEngine(scenario.environment, ['--jobs', '2']);
        await untilCopying(scenario, engine);
        engine.kill(signal);
        const result = await engine.result;
        assert.equal(result.code, 130, result.stderr);
        // What a second one would do is told at once; the last lines are read when nothing is left to clean up.
        assert.match(
          result.stderr,
          new RegExp(
            `${signal}: cleaning up; once more ends at once[^]*^refresh: interrupted: ${signal} received.*\nHINT: run it again`,
            'm',
          ),
        );
        assert.equal(result.report?.error?.code, 'interrupted');
        const cut = result.report?.work?.tasks.filter(({ failed }) => failed).map(({ name }) => name);
        // Small tables are loaded together.
        assert.ok(
          cut?.some((name) => /^load .*\bpublic\.slow\b/.test(name)),
          `the report says what the workers were at: ${cut}`,
        );
        assert.equal(result.summary?.outcome, 'failed');
        return result;
      });
    });
  }
});

test('SIGINT when staging is new already: what was not cleaned up is left to the next run, and said', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const previous = (await expectRun(environment)).report.published?.previous ?? '';
  await as('postgres', { ...staging, name: 'postgres' }, async (session) => {
    // The next run can't drop it as long as somebody is changing it.
    await session.query(`begin; comment on database "${previous}" is null`);
    const engine = await startEngine(environment);
    const waiting = `select from pg_stat_activity where query = $1 and wait_event_type = 'Lock'`;
    await until(staging, waiting, [`drop database if exists "${previous}" with (force)`]);
    engine.kill('SIGINT');
    const { code, stderr, report } = await engine.result;
    assert.equal(code, 6, stderr);
    assert.match(
      stderr,
      /^refresh: published-with-failures: .* clean-up was interrupted: the next run does it/m,
    );
    assert.doesNotMatch(stderr, /CAUSE/);
    assert.equal(report?.outcome, 'published');
    await session.query('rollback');
  });
  const { published } = (await expectRun(environment)).report;
  assert.deepEqual(await databasesBeside(staging), [published?.previous]);
});

test('SIGTERM while production’s table is locked by somebody else', async () => {
  await using scenario = await makeScenario();
  const result = await as('app', scenario.production, async (holder) => {
    await holder.query('begin; lock table orders in access exclusive mode');
    const engine = await startEngine(scenario.environment, ['--lock-wait', '60']);
    await until(
      scenario.production,
      `select 1 from pg_stat_activity where datname = $1 and application_name like 'staging-refresh%'
          and query = 'rollback'`,
      [scenario.production.name],
    );
    engine.kill('SIGTERM');
    return await engine.result;
  });
  assert.equal(result.code, 130, result.stderr);
  await assertAtRest(scenario, result.report?.runId);
});

test('SIGINT while the team’s command runs, or its time is up: it ends with all that it started', async () => {
  await using scenario = await makeScenario();
  const started = join(await testFolder(), 'started');
  const policy = (limit: string) => `version: 1
tables:
  public.customers: { mask: { name: { fixed: "x" } } }
before-publish:
  command: '(trap "" INT; sleep 300 & echo $! > ${started}.new; mv ${started}.new ${started}; wait); true'
  ${limit}
`;
  const [flag, file] = await policyFlags(policy(''));
  const result = await leavingStagingAlone(scenario, async () => {
    const engine = await startEngine(scenario.environment, [flag, file]);
    const ended = engine.result.then(({ stderr }) => assert.fail(stderr));
    while (!existsSync(started)) await Promise.race([sleep(20), ended]);
    engine.kill('SIGINT');
    return await engine.result;
  });
  assert.equal(result.code, 130, result.stderr);
  const first = readFileSync(started, 'utf8');
  assert.equal(isRunning(Number(first)), false);

  const limited = await policyFlags(policy('command-minutes: 0.05'));
  await leavingStagingAlone(scenario, () =>
    expectFailure(
      scenario.environment,
      { exit: 5, code: 'before-publish-failed', says: /ended after 0\.05 minutes/ },
      limited,
    ),
  );
  const second = readFileSync(started, 'utf8');
  assert.notEqual(second, first);
  assert.equal(isRunning(Number(second)), false);
});

test('SIGKILL in the middle of the copy: the next run removes what is left and refreshes', async () => {
  await using scenario = await makeScenario(slowProduction);
  const { production, staging, environment } = scenario;
  const before = await contentOf(staging);
  const engine = await startEngine(environment);
  const next = await untilCopying(scenario, engine);
  engine.kill('SIGKILL');
  const { code, signal } = await engine.result;
  assert.deepEqual([code, signal], [null, 'SIGKILL']);

  assert.deepEqual(await databasesBeside(staging), [next]);
  assert.deepEqual(await contentOf(staging), before);
  await until(production, 'select 1 where not exists (select from pg_stat_activity where datname = $1)', [
    production.name,
  ]);

  await as('app', production, (session) => session.query(noLongerSlow));
  const { report } = await expectRun(environment);
  assert.match(report.warnings.join('\n'), new RegExp(`removed ${next}, left by a run that did not end`));
  assert.deepEqual(await databasesBeside(staging), [report.published?.previous]);
  assert.deepEqual(await contentOf(staging), await contentOf(production));
  await assertAtRest(scenario, report.runId);
});

test('what has no mark of ours is removed only when it is empty', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const [empty, full] = ['beef', 'cafe'].map((tail) => `${staging.name}__next_20200101t000000_${tail}`);
  await as('doadmin', staging, (session) => session.query(`create database "${empty}"`));
  await as('doadmin', staging, (session) => session.query(`create database "${full}"`));
  await as('doadmin', { server: staging.server, name: full ?? '' }, (session) =>
    session.query('create table somebodys (id int)'),
  );
  const { report } = await expectRun(environment);
  assert.match(report.warnings.join('\n'), new RegExp(`removed ${empty}`));
  assert.match(report.warnings.join('\n'), new RegExp(`${full} looks like one of ours but has no mark`));
  assert.deepEqual(await databasesBeside(staging, 'next_'), [full]);
});

test('a second refresh at the same time is refused, names the first, and says how to end it if it stands still', async () => {
  await using scenario = await makeScenario(slowProduction);
  const { staging, environment } = scenario;
  await using other = await makeScenario();
  const engine = await startEngine(environment);
  const next = await untilCopying(scenario, engine);
  const ours = 'staging-refresh \\d{8}T\\d{6}_[0-9a-f]{4}';
  const { report } = await expectFailure(environment, {
    exit: 3,
    code: 'already-running',
    says: new RegExp(`another refresh holds the lock: ${ours} from `),
  });
  assert.equal(report?.published, null);
  assert.deepEqual(await databasesBeside(staging), [next], 'the refused run must not touch the first one’s');
  // The lock is the staging database's, not the server's.
  await expectRun(other.environment);

  engine.kill('SIGSTOP');
  const told = new RegExp(`SELECT pg_terminate_backend.*'(${ours})%'`).exec(report?.error?.hint ?? '');
  const [ending = '', run] = told ?? [];
  await as('doadmin', { ...staging, name: 'postgres' }, (session) => session.query(ending));
  await until(staging, 'select from pg_stat_activity having not bool_or(application_name ~ $1)', [run]);
  engine.kill('SIGCONT');
  const first = await engine.result;
  assert.equal(first.code, 4, first.stderr);
  await assertAtRest(scenario, first.report?.runId);
});

test('a session that is lost in the middle of the copy ends the run, with staging as it was', async (t) => {
  await using scenario = await makeScenario(slowProduction);
  const { production, staging } = scenario;
  await t.test('the one that holds the lock', () =>
    losing(scenario, 'lock-lost', 'staging', `datname = 'postgres' and query not like '%pg_stat_activity%'`),
  );
  await t.test('the one that holds the snapshot', () =>
    losing(
      scenario,
      'connection-lost',
      'production',
      `datname = '${production.name}' and state = 'idle in transaction' and query not ilike 'copy%'`,
    ),
  );
  await t.test('one that reads rows', () =>
    losing(
      scenario,
      'connection-lost',
      'production',
      `datname = '${production.name}' and query like 'copy%slow%'`,
    ),
  );
  await t.test('one that writes rows', () =>
    losing(scenario, 'connection-lost', 'staging', `starts_with(datname, '${staging.name}__next_')`),
  );
});

/** Ends the run's sessions that match, once rows are under way. */
async function losing(
  scenario: Scenario,
  expected: 'lock-lost' | 'connection-lost',
  side: 'production' | 'staging',
  condition: string,
): Promise<void> {
  await leavingStagingAlone(scenario, async () => {
    const engine = await startEngine(scenario.environment);
    const next = await untilCopying(scenario, engine);
    const runTail = next.split('_').at(-1);
    await until(
      scenario[side],
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'staging-refresh%\\_' || $1 and (${condition})`,
      [runTail],
    );
    const result = await engine.result;
    assert.equal(result.code, 4, result.stderr);
    assert.equal(result.report?.error?.code, expected, result.stderr);
    assert.ok(result.report?.error?.hint);
    return result;
  });
}
