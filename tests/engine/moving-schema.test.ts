import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import {
  as,
  leavingStagingAlone,
  makeScenario,
  type Scenario,
  slowProduction,
  smallProduction,
  until,
  untilCopying,
} from '../support/scenario.ts';

/** Lets the engine begin while a migration holds `customers`, carries the rest of it out, and commits. */
async function duringMigration<Result>(
  { production }: Scenario,
  migration: string,
  run: () => Promise<Result>,
): Promise<Result> {
  return await as('app', production, async (session) => {
    await session.query('begin; lock table customers in access exclusive mode');
    const result = run();
    result.catch(() => undefined);
    await until(
      production,
      `select 1 as waits from pg_stat_activity
        where datname = $1 and query = 'rollback' and application_name like 'staging-refresh%'`,
      [production.name],
    );
    await session.query(`${migration}; commit`);
    return await result;
  });
}

test('a table that is dropped, renamed or made anew while the run begins is a named failure, not a gap', async (t) => {
  const migrations: readonly (readonly [name: string, migration: string, says: RegExp])[] = [
    [
      'dropped',
      'drop table customers cascade',
      /a table was dropped or renamed while the run began|customers is gone/,
    ],
    [
      'renamed',
      'alter table customers rename to clients',
      /a table was dropped or renamed while the run began/,
    ],
    ['new', 'create table newcomers (id integer)', /public\.newcomers is new/],
    [
      'made anew under its name',
      'drop table customers cascade; create table customers (id integer primary key)',
      /customers is (new|gone)|a table was dropped or renamed/,
    ],
  ];
  for (const [name, migration, says] of migrations) {
    await t.test(name, async () => {
      await using scenario = await makeScenario();
      const { environment } = scenario;
      await duringMigration(scenario, migration, () =>
        expectFailure(environment, { exit: 4, code: 'catalog-moved', says }),
      );
      // As it is now, it is copied.
      await expectRun(environment, ['--no-artifact']);
      assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
    });
  }
});

test('a table that is altered while the run begins is copied as it is then, and the migration is in no deadlock with the run', async () => {
  await using scenario = await makeScenario(`create table before_it (id integer); ${smallProduction}`);
  await duringMigration(
    scenario,
    `alter table before_it add column since date;
     alter table customers add column since date default '2026-01-01', drop column name`,
    () => expectRun(scenario.environment, ['--verify', 'checksums']),
  );
  assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
});

test('while a table is copied nobody can drop, alter or empty it', async () => {
  await using scenario = await makeScenario(slowProduction);
  await leavingStagingAlone(scenario, async () => {
    const engine = await startEngine(scenario.environment, ['--no-artifact']);
    await untilCopying(scenario, engine);
    for (const statement of [
      'drop table slow',
      'alter table slow add column x int',
      'truncate slow',
      'drop schema public cascade',
    ]) {
      await as('app', scenario.production, async (session) => {
        await session.query(`set lock_timeout = '50ms'`);
        await assert.rejects(session.query(statement), { code: '55P03' }, statement);
      });
    }
    engine.kill('SIGINT');
    return await engine.result;
  });
});
