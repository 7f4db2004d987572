import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf } from '../support/content.ts';
import { expectRun } from '../support/engine.ts';
import { as, databasesBeside, makeScenario, untilNoRun } from '../support/scenario.ts';
import { command, startCommand } from './command.ts';

test('rollback brings back the database before the last refresh, and again the one after it', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  await as('postgres', staging, (session) =>
    session.query(`comment on database "${staging.name}" is 'our own'`),
  );
  const old = await contentOf(staging);
  const { report } = await expectRun(environment);
  const refreshed = await contentOf(staging);

  const { stdout } = await command(environment, ['rollback', '--list', '--json']);
  const listed = JSON.parse(stdout) as { name: string; setAsideAt: string; bytes: number }[];
  assert.deepEqual(
    listed.map(({ name }) => name),
    [report.published?.previous],
  );
  assert(listed[0] && listed[0].bytes > 0 && listed[0].setAsideAt === report.startedAt);

  // Somebody has put it out of harm's way.
  await as('postgres', staging, (session) =>
    session.query(`alter database "${report.published?.previous}" with allow_connections false`),
  );
  await command(environment, ['rollback']);
  assert.deepEqual(await contentOf(staging), old);
  const refresh = `refreshed [^\\n]* \\(staging-refresh ${report.runId}\\)`;
  const back = String.raw`rolled back \S+Z \(staging-refresh \w+\)`;
  assert.match((await commentOf(staging)) ?? '', new RegExp(`^our own\n${refresh}\n${back}$`));
  const [aside, ...others] = await databasesBeside(staging);
  assert.deepEqual(others, []);
  assert.deepEqual((await contentOf({ server: staging.server, name: aside ?? '' })).tables, refreshed.tables);

  await command(environment, ['rollback']);
  assert.deepEqual(await contentOf(staging), refreshed);
  const again = String.raw`rolled back \S+Z: to ${report.runId} \(staging-refresh \w+\)`;
  assert.match((await commentOf(staging)) ?? '', new RegExp(`^our own\n${refresh}\n${back}\n${again}$`));
});

test('an empty database, as staging was before its first refresh, comes back by its name alone', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  await as('app', staging, (session) => session.query('drop table old_staging'));
  const { report } = await expectRun(environment);
  const refreshed = await contentOf(staging);
  const previous = report.published?.previous ?? '';
  const says = new RegExp(
    `database-missing: ${previous} is empty: .*\\nHINT: .*rollback --to ${previous}$`,
    'm',
  );
  await command(environment, ['rollback'], { exit: 3, says });
  assert.deepEqual(await contentOf(staging), refreshed);
  await command(environment, ['rollback', '--to', previous]);
  assert.deepEqual((await contentOf(staging)).tables, {});
});

test('rollback ends the sessions that are there, and needs nothing of production', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const old = await contentOf(staging);
  await expectRun(environment);
  const { PRODUCTION_DB_URL: _, PRODUCTION_DB_CA: __, ...stagingOnly } = environment;
  const busy = as('app', staging, (session) => session.query('select pg_sleep(60)'));
  const ended = assert.rejects(busy, /terminating connection|Connection terminated/);
  await command(stagingOnly, ['rollback']);
  await ended;
  assert.deepEqual(await contentOf(staging), old);
});

test('--to names which one; a stranger’s database is never touched', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const stranger = `${staging.name}__previous_20990101t000000_beef`;
  await as('postgres', staging, (session) => session.query(`create database "${stranger}"`));
  await command(environment, ['rollback'], {
    exit: 3,
    says: /database-missing: there is no earlier database/,
  });
  await command(environment, ['rollback', '--to', stranger], { exit: 3, says: /is no earlier database/ });
  const old = await contentOf(staging);
  const first = await expectRun(environment, ['--keep-previous', '2']);
  await expectRun(environment, ['--keep-previous', '2']);
  await command(environment, ['rollback', '--to', first.report.published?.previous ?? '']);
  assert.deepEqual(await contentOf(staging), old);
  assert((await databasesBeside(staging)).includes(stranger));
});

test('killed at any point it leaves the old or the new database, whole', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const contents = [await contentOf(staging)];
  await expectRun(environment);
  contents.push(await contentOf(staging));
  for (const milliseconds of [150, 250, 300, 350, 400, 450, 500, 600]) {
    const { child, result } = await startCommand(environment, ['rollback']);
    const killing = setTimeout(() => child.kill('SIGKILL'), milliseconds);
    await result;
    clearTimeout(killing);
    await untilNoRun(staging);
    const now = JSON.stringify(await contentOf(staging));
    assert(
      contents.some((content) => JSON.stringify(content) === now),
      `killed after ${milliseconds} ms`,
    );
    assert.equal((await databasesBeside(staging)).length, 1);
  }
});

async function commentOf(staging: Parameters<typeof contentOf>[0]): Promise<string | null> {
  return await as('postgres', staging, async (session) => {
    const { rows } = await session.query<{ comment: string | null }>(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()`,
    );
    return rows[0]?.comment ?? null;
  });
}
