import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun, type RunningEngine, startEngine } from '../support/engine.ts';
import { column } from '../support/policy.ts';
import {
  as,
  behindADoor,
  databasesBeside,
  leavingNoTrace,
  leavingStagingAlone,
  makeScenario,
} from '../support/scenario.ts';
import type { TestDatabase } from '../support/servers.ts';

/** SQLSTATEs with which a server tells a client that it was ended, or that the name is changing hands just now. */
const partings = new Set(['57P01', '3D000']);

test('clients that come back at once see the old database or the new one, whole', async () => {
  await using scenario = await makeScenario(`${behindADoor}
    create table orders as select g as id, 'new' as tag from generate_series(1, 3000) g`);
  const { staging, environment } = scenario;
  await as('app', staging, (session) =>
    session.query(`create table orders as select g as id, 'old' as tag from generate_series(1, 1000) g`),
  );
  const watch = new AbortController();
  const clients = Array.from({ length: 4 }, () => stubbornClient(staging, watch.signal));
  // Published under fire, twice: what they read the second time is the same content again.
  try {
    await expectRun(environment);
    await expectRun(environment);
  } finally {
    watch.abort();
  }
  const seen = await Promise.all(clients);
  // Nobody else got in before; now whoever could may again.
  const privileges = `select has_database_privilege('public', current_database(), 'connect, temporary')`;
  assert.deepEqual(await column(staging, privileges), [true]);

  const allowed = new Set(['1000 old old', '3000 new new']);
  for (const { reads, failures } of seen) {
    assert.deepEqual(
      [...new Set(reads)].filter((read) => !allowed.has(read)),
      [],
    );
    assert.ok(reads.includes('1000 old old') && reads.includes('3000 new new'), 'it read before and after');
    // Never back to the old one.
    assert.ok(reads.lastIndexOf('1000 old old') < reads.indexOf('3000 new new'));
    assert.deepEqual(
      failures.filter((code) => !partings.has(code)),
      [],
    );
  }
});

test('a session in the middle of a transaction does not keep the new database away', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  await as('app', staging, async (session) => {
    session.on('error', () => undefined);
    await session.query(`begin; insert into old_staging values ('never committed')`);
    await expectRun(environment);
  });
  assert.deepEqual(await contentOf(staging), await contentOf(scenario.production));
});

test('a role whose sessions can’t be ended is named before anything is copied', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const role = `foreign_${staging.name}`;
  const password = 'foreign-password';
  await as('postgres', staging, (session) =>
    session.query(`create role "${role}" login password '${password}'`),
  );
  await leavingStagingAlone(scenario, () =>
    withSession(staging.server, { user: role, password }, staging.name, () =>
      expectFailure(environment, {
        exit: 3,
        code: 'not-permitted',
        says: new RegExp(
          `sessions of ${role} on staging cannot be ended[\\s\\S]*HINT: .*GRANT pg_signal_backend`,
        ),
      }),
    ),
  );
  await as('postgres', staging, (session) => session.query(`grant pg_signal_backend to doadmin`));
  try {
    await withSession(staging.server, { user: role, password }, staging.name, async (session) => {
      session.on('error', () => undefined);
      await expectRun(environment);
    });
  } finally {
    await as('postgres', staging, (session) =>
      session.query(`revoke pg_signal_backend from doadmin; drop role "${role}"`),
    );
  }
});

test('a table that somebody holds locked is named', async () => {
  await using scenario = await makeScenario();
  const { production, environment } = scenario;
  await leavingStagingAlone(scenario, () =>
    as('app', production, async (holder) => {
      await holder.query(
        `set application_name = 'a migration'; begin; lock table orders in access exclusive mode`,
      );
      const result = await expectFailure(
        environment,
        {
          exit: 3,
          code: 'table-locked',
          says: /stayed locked for 1 s \(production table public\.orders\)[\s\S]*HINT: process \d+ \(a migration\) holds/,
        },
        ['--lock-wait', '1'],
      );
      await holder.query('rollback');
      return result;
    }),
  );
});

test('an empty production is taken for a wrong URL', async () => {
  await using scenario = await makeScenario('select 1');
  await leavingStagingAlone(scenario, () =>
    expectFailure(scenario.environment, {
      exit: 5,
      code: 'empty-source',
      says: /HINT: PRODUCTION_DB_URL most likely names the wrong database; .*--allow-shrink/,
    }),
  );
  await leavingNoTrace(scenario, () => expectRun(scenario.environment, ['--allow-shrink']));
  assert.deepEqual(await contentOf(scenario.staging), await contentOf(scenario.production));
  assert.equal((await databasesBeside(scenario.staging)).length, 1);
});

interface Seen {
  /** `count min max` of each read, in order. */
  readonly reads: string[];
  /** SQLSTATEs of what went wrong in between. */
  readonly failures: string[];
}

/** Reads, holds on to its connection for a moment, and comes back at once when it is ended. */
async function stubbornClient(database: TestDatabase, signal: AbortSignal): Promise<Seen> {
  const seen: Seen = { reads: [], failures: [] };
  while (!signal.aborted) {
    try {
      await as('app', database, async (session) => {
        session.on('error', () => undefined);
        for (let turn = 0; turn < 20 && !signal.aborted; turn++) {
          const { rows } = await session.query<{ read: string }>(
            `select concat_ws(' ', count(*), min(tag), max(tag)) as read from orders`,
          );
          seen.reads.push(rows[0]?.read ?? 'nothing');
          await sleep(5);
        }
      });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const cut = error instanceof Error && /Connection terminated|connection error/.test(error.message);
      seen.failures.push(cut ? '57P01' : code || String(error));
    }
  }
  return seen;
}

test('a superuser’s session that stays is named, and staging stays as it was', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  await leavingStagingAlone(scenario, async () => {
    const { server } = staging;
    return await withSession(server, superuser(server), staging.name, () =>
      withSession(server, superuser(server), 'postgres', async (elsewhere) => {
        // As long as somebody else changes something of the database itself, RENAME waits for that alone.
        await elsewhere.query(`begin; comment on database "${staging.name}" is 'changing'`);
        const running = await startEngine(environment, ['--no-artifact']);
        await said(running, /attempt 1 of 5.*the database is locked by pid \d+ of postgres, in the middle/);
        await elsewhere.query('rollback');
        const result = await running.result;
        assert.equal(result.code, 4, result.stderr);
        assert.match(
          result.stderr,
          /^refresh: publish-failed: [\s\S]*HINT: these sessions could not be ended: pid \d+ of postgres[^;]*; grant [^;]*$/m,
        );
        return result;
      }),
    );
  });
});

/** Waits until the run has said it. */
async function said(running: RunningEngine, words: RegExp): Promise<void> {
  let over = false;
  running.result
    .finally(() => {
      over = true;
    })
    .catch(() => undefined);
  while (!words.test(running.said())) {
    assert.ok(!over, running.said());
    await sleep(20);
  }
}
