import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { feedCopy } from '../../scripts/postgres/copy-feed.ts';
import { openSession, type Session } from '../../scripts/postgres/session.ts';
import { as, makeScenario, type Scenario, until } from '../support/scenario.ts';

const table = 'create table target (id int check (id <> 4711), filler text)';
/** Of one chunk, which is more than a message holds. */
const rowsAtOnce = 300;
const patience = { timeout: 60_000 };

async function withTarget(work: (target: Session, scenario: Scenario) => Promise<void>): Promise<void> {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  await as('app', staging, (session) => session.query(table));
  const target = await openSession(
    parseConnectionUrl(staging.url('app'), 'TEST', environment.STAGING_DB_CA),
    { side: 'staging', applicationName: 'copy-feed test' },
  );
  try {
    await work(target, scenario);
  } finally {
    target.destroy();
  }
}

async function* rows(chunks: number): AsyncGenerator<Buffer> {
  const filler = 'x'.repeat(1000);
  for (let chunk = 0; chunk < chunks; chunk++) {
    await turn();
    yield Buffer.from(
      Array.from({ length: rowsAtOnce }, (_, row) => `${chunk * rowsAtOnce + row}\t${filler}\n`).join(''),
    );
  }
}

const feed = (target: Session, chunks: number) =>
  feedCopy(target, 'copy target from stdin', rows(chunks), 'public.target');

test('more rows than fit in any buffer arrive, and the server counts them', patience, async () => {
  await withTarget(async (target) => {
    await target.run('alter table target drop constraint target_id_check');
    assert.equal(await feed(target, 100), 100 * rowsAtOnce);
    assert.deepEqual(await target.rows('select count(*)::int as n, max(id) as last from target'), [
      { n: 100 * rowsAtOnce, last: 100 * rowsAtOnce - 1 },
    ]);
  });
});

test('what the server refuses ends it while rows are still to come', patience, async () => {
  await withTarget(async (target) => {
    await assert.rejects(feed(target, 1_000_000), {
      code: 'statement-failed',
      message: /"target_id_check" \(SQLSTATE 23514\) at COPY target, line 4712$/,
    });
  });
});

test('a session that is ended, and one that is cut, are lost connections', patience, async (t) => {
  await t.test('ended', async () => {
    await withTarget(async (target, { staging }) => {
      await target.run('alter table target drop constraint target_id_check');
      const failed = assert.rejects(feed(target, 1_000_000), { code: 'connection-lost' });
      failed.catch(() => undefined);
      await until(
        staging,
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query like 'copy%'`,
        [staging.name],
      );
      await failed;
    });
  });
  await t.test('cut', async () => {
    await withTarget(async (target, { staging }) => {
      await target.run('alter table target drop constraint target_id_check');
      const failed = assert.rejects(feed(target, 1_000_000), { code: 'connection-lost' });
      failed.catch(() => undefined);
      await until(staging, `select 1 from pg_stat_activity where datname = $1 and query like 'copy%'`, [
        staging.name,
      ]);
      target.destroy();
      await failed;
    });
  });
});
