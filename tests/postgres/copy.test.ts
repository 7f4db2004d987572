import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import type { Side } from '../../scripts/model/servers.ts';
import { bytesAhead, type Splice, spliceCopy } from '../../scripts/postgres/copy.ts';
import { sectionEnd } from '../../scripts/postgres/copy-statement.ts';
import { socketOf } from '../../scripts/postgres/pg-client.ts';
import { openSession, type Session } from '../../scripts/postgres/session.ts';
import { as, makeScenario, type Scenario, until } from '../support/scenario.ts';
import type { TestDatabase } from '../support/servers.ts';

const tables = `
  create table source as select g as id, repeat('é', g % 50) as filler from generate_series(1, 20000) g;
  create table nothing (id int); create table no_columns (); insert into no_columns select from generate_series(1, 7)`;
const targets = `
  create table target (id int check (id <> 4711), filler text);
  create table nothing (id int);
  create table no_columns ();
  create table fast (filler text);
  create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return new; end $$;
  create table slow (filler text);
  create trigger slowly before insert on slow for each row execute function slowly()`;

/** Endless for our purposes: more than all buffers between two servers hold. */
const endless = `copy (select repeat('x', 10000) from generate_series(1, 100000)) to stdout`;

interface Pair {
  readonly scenario: Scenario;
  readonly source: Session;
  readonly target: Session;
}

/** A fresh pair of sessions, cut at the end: after a failure they may be in the middle of a message. */
async function withPair(work: (pair: Pair) => Promise<void>): Promise<void> {
  await using scenario = await makeScenario(tables);
  await as('app', scenario.staging, (session) => session.query(targets));
  const { environment, production, staging } = scenario;
  const open = (side: Side, url: string, ca = '') =>
    openSession(parseConnectionUrl(url, side, ca), { side, applicationName: 'copy test' });
  const source = await open('production', production.url('reader'), environment.PRODUCTION_DB_CA);
  // As the owner of the tables; the engine's own role owns what it has made.
  const target = await open('staging', staging.url('app'), environment.STAGING_DB_CA);
  try {
    await work({ scenario, source, target });
  } finally {
    source.destroy();
    target.destroy();
  }
}

const splice = ({ source, target }: Pair, copyOut: string, copyIn: string, more: Partial<Splice> = {}) =>
  spliceCopy({ source, copyOut, target, copyIn, object: 'public.t', ...more });

test('rows arrive as they were, both sides count them, and the sessions can be used again', async () => {
  await withPair(async (pair) => {
    let told = 0;
    const onBytes = (bytes: number) => {
      told += bytes;
    };
    const { rows } = await pair.source.row<{ rows: number }>('select count(*)::int as rows from source');
    for (let turn = 0; turn < 3; turn++) {
      const result = await splice(
        pair,
        'copy (select id, filler from source where id <> 4711) to stdout',
        'begin; truncate target; copy target from stdin (freeze); create index on target (id); commit',
        { onBytes },
      );
      assert.equal(result.rowsOut, rows - 1);
      assert.equal(result.rowsIn, rows - 1);
      assert.equal(told, result.bytes * (turn + 1));
    }
    const sum = 'select count(*)::int as n, sum(hashtextextended(t::text, 0))::text as hash from';
    assert.deepEqual(
      await pair.target.row(`${sum} target t`),
      await pair.source.row(`${sum} (select id, filler from source where id <> 4711) t`),
    );
  });
});

test('no rows, and rows without columns', async () => {
  await withPair(async (pair) => {
    const none = await splice(
      pair,
      'copy (select id from nothing) to stdout',
      'copy nothing (id) from stdin',
    );
    assert.deepEqual(none, { rowsOut: 0, rowsIn: 0, bytes: 0 });
    const bare = await splice(pair, 'copy (select from no_columns) to stdout', 'copy no_columns from stdin');
    assert.deepEqual([bare.rowsOut, bare.rowsIn], [7, 7]);
  });
});

test('a notice in the midst of the rows is no row', async () => {
  await withPair(async (pair) => {
    const notices: unknown[] = [];
    pair.source.client.on('notice', (notice) => notices.push(notice));
    await as('app', pair.scenario.production, (session) =>
      session.query(`create function talks(int) returns int language plpgsql as $$
        begin if $1 % 100 = 0 then raise notice 'row %', $1; end if; return $1; end $$`),
    );
    const result = await splice(
      pair,
      'copy (select talks(id), filler from source where id < 1000) to stdout',
      'copy target from stdin',
    );
    assert.deepEqual([result.rowsOut, result.rowsIn, notices.length], [999, 999, 9]);
  });
});

test('the tap sees every row and holds the source back', async () => {
  await withPair(async (pair) => {
    let tapped = 0;
    let waiting = 0;
    const tap = async (message: Buffer) => {
      waiting++;
      await new Promise((later) => setImmediate(later));
      tapped += message.length - 5;
      waiting--;
    };
    const result = await splice(
      pair,
      'copy (select id, filler from source where id <> 4711) to stdout',
      'copy target from stdin',
      { tap },
    );
    assert.equal(tapped, result.bytes);
    assert.equal(waiting, 0, 'it ended before the tap did');
  });
});

test('many small tables before a target that takes nothing for a while: its room is waited for once', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  await withPair(async (pair) => {
    // More than may wait for the target; each read of the source brings dozens of them.
    const objects = Array.from({ length: 5000 }, (_, at) => `public.t${at}`);
    const target = socketOf(pair.target.client);
    let uncorked = 0;
    const tap = () => {
      if (target.writableCorked === 0 && uncorked === 0) target.cork();
      else if (target.writableLength > bytesAhead && uncorked++ === 0) setImmediate(() => target.uncork());
      return undefined;
    };
    const { rowsIn } = await splice(
      pair,
      objects.map(() => `copy (select repeat('x', 200)) to stdout`).join(';'),
      objects.map(() => `copy fast from stdin; ${sectionEnd}`).join(';'),
      { objects, tap },
    );
    assert.equal(rowsIn, objects.length);
  });
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
});

test('what the target refuses is the reason, with the place and without the row', async () => {
  await withPair(async (pair) => {
    await assert.rejects(splice(pair, 'copy source to stdout', 'copy target from stdin'), {
      code: 'statement-failed',
      object: 'public.t',
      message: /check constraint "target_id_check" \(SQLSTATE 23514\) at COPY target, line 4711$/,
    });
  });
});

test('after a failure neither side goes on: the source does not read the rest of its table for nobody', async () => {
  await withPair(async (pair) => {
    await assert.rejects(splice(pair, endless, 'copy no_such_table from stdin'), {
      code: 'statement-failed',
    });
    for (const session of [pair.source, pair.target])
      assert.ok(socketOf(session.client).destroyed, session.label);
  });
});

test('what the source fails with is the reason', async () => {
  await withPair(async (pair) => {
    await assert.rejects(
      splice(pair, 'copy (select 1 / (15000 - id), filler from source) to stdout', 'copy target from stdin'),
      { code: 'statement-failed', message: /division by zero/ },
    );
  });
  await withPair(async (pair) => {
    await assert.rejects(splice(pair, 'copy (table no_such_table) to stdout', 'copy target from stdin'), {
      code: 'statement-failed',
      message: /no_such_table/,
    });
  });
});

test('a tap that fails ends it', async () => {
  await withPair(async (pair) => {
    const tap = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(splice(pair, 'copy source to stdout', 'copy slow from stdin', { tap }), {
      message: 'the disk is full',
    });
  });
});

test('a source that is lost is a lost connection', async () => {
  await withPair(async (pair) => {
    const failed = assert.rejects(splice(pair, endless, 'copy fast from stdin'), { code: 'connection-lost' });
    failed.catch(() => undefined);
    await endCopy(pair.scenario.production, 'true');
    await failed;
  });
});

test('a target that is ended while the source is full of rows is a lost connection, and nothing more', async () => {
  await withPair(async (pair) => {
    const failed = assert.rejects(splice(pair, endless, 'copy slow from stdin'), { code: 'connection-lost' });
    failed.catch(() => undefined);
    await endCopy(pair.scenario.staging, `wait_event = 'PgSleep'`);
    await failed;
    await whatIsOnItsWay();
  });
});

test('a target that is cut off while the source is full of rows is a lost connection, and nothing more', async () => {
  await withPair(async (pair) => {
    const failed = assert.rejects(splice(pair, endless, 'copy slow from stdin'), { code: 'connection-lost' });
    failed.catch(() => undefined);
    const { production } = pair.scenario;
    await until(
      production,
      `select 1 from pg_stat_activity where datname = $1 and query like 'copy%' and wait_event = 'ClientWrite'`,
      [production.name],
    );
    pair.target.destroy();
    await failed;
    await whatIsOnItsWay();
  });
});

/** Ends the session that copies in this database, as an administrator would. */
async function endCopy(database: TestDatabase, condition: string): Promise<void> {
  await until(
    database,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = $1 and application_name = 'copy test' and query like 'copy%' and ${condition}`,
    [database.name],
  );
}

/** Rows that the source still sends must find somebody who can bear them: a stray one would end the process. */
async function whatIsOnItsWay(): Promise<void> {
  await new Promise((later) => setTimeout(later, 100));
}
