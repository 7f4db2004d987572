import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { copyOut } from '../../scripts/postgres/copy-out.ts';
import { openSession, type Session } from '../../scripts/postgres/session.ts';
import { watchSession } from '../../scripts/postgres/stall.ts';
import { TcpProxy } from '../faults/tcp-proxy.ts';
import { makeScenario, type Scenario, until } from '../support/scenario.ts';

/** More than all buffers between server and client hold: 1 GB. */
const endless = `copy (select repeat('x', 10000) from generate_series(1, 100000)) to stdout`;
const stallSeconds = 0.5;
/** A COPY that nobody ends would hold the test up for ever. */
const patience = { timeout: 60_000 };

interface Bench {
  readonly scenario: Scenario;
  readonly proxy: TcpProxy;
  readonly session: Session;
}

/** A session that is watched, through a proxy. */
async function withSession(work: (bench: Bench) => Promise<void>): Promise<void> {
  await using scenario = await makeScenario();
  await using proxy = await TcpProxy.open(scenario.production.server.port);
  const url = new URL(scenario.production.url('reader'));
  url.port = String(proxy.port);
  const address = parseConnectionUrl(url.href, 'TEST', scenario.environment.PRODUCTION_DB_CA);
  const session = await openSession(address, {
    side: 'production',
    applicationName: 'copy-out test',
    watch: (watched, database) => watchSession(watched, address, database, stallSeconds),
  });
  try {
    await work({ scenario, proxy, session });
  } finally {
    session.destroy();
  }
}

test(
  'rows that can’t be taken end the COPY at once, as an error, and the session with it',
  patience,
  async () => {
    await withSession(async ({ scenario, session }) => {
      let taken = 0;
      const full = async () => {
        taken++;
        await sleep(1);
        throw new Error('ENOSPC: no space left on device, write');
      };
      await assert.rejects(copyOut(session, endless, full, 'public.t'), {
        name: 'RefreshError',
        object: 'public.t',
        message: /no space left on device/,
      });
      assert(taken < 100, `${taken} messages were taken after the first could not be`);
      await until(
        scenario.production,
        `select 1 where not exists (select from pg_stat_activity where datname = $1 and application_name = 'copy-out test')`,
        [scenario.production.name],
      );
    });
  },
);

test('what is taken slowly is waited for, and is no silence of the server', patience, async () => {
  await withSession(async ({ session }) => {
    let under = 0;
    let lines = 0;
    let slept = false;
    const slowly = async (rows: Buffer) => {
      under++;
      // Long enough for the watch to have asked twice.
      await sleep(slept ? 1 : 5 * 1000 * stallSeconds);
      slept = true;
      lines += rows.toString('latin1').split('\n').length - 1;
      under--;
    };
    const copied = await copyOut(
      session,
      `copy (select repeat('x', 10000) from generate_series(1, 3000)) to stdout`,
      slowly,
      'public.t',
    );
    assert.deepEqual(copied, { rows: 3000, bytes: 3000 * 10001 });
    assert.deepEqual([lines, under], [3000, 0]);
    assert.equal((await session.row<{ one: number }>('select 1 as one')).one, 1);
  });
});

test('a server that falls silent in the middle of the rows is given up', patience, async () => {
  await withSession(async ({ proxy, session }) => {
    const begun = Promise.withResolvers<void>();
    const take = () => {
      begun.resolve();
      return undefined;
    };
    const copying = copyOut(session, endless, take, 'public.t');
    copying.catch(() => undefined);
    await begun.promise;
    proxy.begin('stall one');
    await assert.rejects(copying, {
      code: 'connection-lost',
      message: /it waits for us while we wait for it/,
    });
  });
});
