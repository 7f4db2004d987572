import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import {
  as,
  leavingNoTrace,
  leavingStagingAlone,
  makeScenario,
  slowProduction,
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

test('a reader that queues behind a migration fails instead of waiting for ever', async () => {
  await using scenario = await makeScenario(slowProduction);
  const { production, environment } = scenario;
  // Large enough to be loaded by itself.
  await as('app', production, (session) =>
    session.query(`
      delete from slow where id > 100;
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
