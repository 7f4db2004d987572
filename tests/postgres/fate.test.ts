import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from 'pg';
import { reasonOf } from '../../scripts/commands/run-scope.ts';
import { environmentName } from '../../scripts/contract.ts';
import { RefreshError } from '../../scripts/model/errors.ts';
import type { StagingRun } from '../../scripts/model/run.ts';
import {
  type LostTransaction,
  requireCommitted,
  requireStillDone,
  type Witness,
} from '../../scripts/postgres/fate.ts';
import { replaced } from '../../scripts/postgres/swap.ts';
import { readStagingConfig } from '../../scripts/stages/config.ts';
import { TcpProxy } from '../faults/tcp-proxy.ts';
import { as, makeScenario } from '../support/scenario.ts';

const refusal = new RefreshError('publish-failed', 'it was lost');

test('the fate of a lost transaction', async (t) => {
  await using scenario = await makeScenario();
  await using proxy = await TcpProxy.open(scenario.staging.server.port);
  const run = runThrough(scenario.environment, proxy.port);
  const fate = async (lost: LostTransaction, patience = 20_000) =>
    await requireCommitted(run, lost, refusal, patience).then(
      () => 'committed',
      (error: unknown) => (error instanceof RefreshError ? error.code : String(error)),
    );
  /** In a transaction of the engine's own role. */
  const inTransaction = (work: (session: Client, xid: string) => Promise<void>) =>
    as('doadmin', scenario.staging, async (session) => {
      session.on('error', () => undefined);
      const { rows } = await session
        .query<{ xid: string }>('begin; select 1')
        .then(() => session.query<{ xid: string }>('select pg_current_xact_id()::text as xid'));
      await work(session, rows[0]?.xid ?? '');
    });

  await t.test('still under way and to be ended: it is, and is no more', () =>
    inTransaction(async (session, xid) => {
      assert.equal(await fate({ xid, end: true }), 'publish-failed');
      await assert.rejects(session.query('commit'));
    }),
  );
  await t.test('under way and not to be ended: waited for, and unknown in the end', () =>
    inTransaction(async (session, xid) => {
      assert.equal(await fate({ xid, end: false }, 1500), 'publish-unknown');
      const asked = fate({ xid, end: false });
      await session.query('commit');
      assert.equal(await asked, 'committed');
    }),
  );
  await t.test('it is asked until the last moment', () =>
    inTransaction(async (session, xid) => {
      await session.query('commit');
      // Less than one question may take: what was left was no whole number of milliseconds, and no question was asked.
      assert.equal(await fate({ xid, end: false }, 5_000), 'committed');
    }),
  );
  await t.test('what was published is asked for again where its server was lost since', async () => {
    const still = async (witness: Witness) =>
      await requireStillDone(run, witness).then(
        () => 'done',
        (error: unknown) => (error instanceof RefreshError ? error.code : String(error)),
      );
    const { name } = scenario.staging;
    assert.equal(await still({ sql: 'true' }), 'done');
    assert.equal(await still({ sql: `current_database() = '${name}'` }), 'publish-undone');
    assert.equal(await still({ database: name, sql: `current_database() = '${name}'` }), 'done');
    proxy.begin('stall');
    const asked = still(replaced({ name, oid: 1 }));
    setTimeout(() => proxy.heal(), 1000);
    assert.equal(await asked, 'done');
  });
  await t.test('a server that can’t be reached is asked again', () =>
    inTransaction(async (session, xid) => {
      await session.query('commit');
      proxy.begin('stall');
      const asked = fate({ xid, end: true });
      setTimeout(() => proxy.heal(), 1000);
      assert.equal(await asked, 'committed');
    }),
  );
  await t.test('a number that the server does not know, or has given to somebody else', () =>
    inTransaction(async (session, xid) => {
      await session.query('commit');
      assert.equal(await fate({ xid: String(BigInt(xid) + 1_000_000n), end: true }), 'publish-failed');
      assert.equal(await fate({ xid, end: true, witness: { sql: 'false' } }), 'publish-failed');
    }),
  );
});

test('what ended the run is not told where nobody knows what became of staging', async () => {
  await using scenario = await makeScenario();
  const run = runThrough(scenario.environment, scenario.staging.server.port);
  const unknown = new RefreshError('publish-unknown', 'the server does not tell');
  assert.equal(reasonOf(run, unknown), unknown);
  assert.equal(reasonOf(run, refusal), run.signal.reason);
});

function runThrough(environment: Readonly<Record<string, string>>, port: number): StagingRun {
  const url = new URL(environment[environmentName.stagingUrl] ?? '');
  url.port = String(port);
  const config = readStagingConfig({}, { ...environment, [environmentName.stagingUrl]: url.href });
  const say = () => undefined;
  return {
    id: '20260101t000000_beef',
    startedAt: new Date(),
    config,
    log: { phase: say, info: say, warn: say, detail: say } as unknown as StagingRun['log'],
    // It has fired already, as the signal of a run that lost its lock has.
    signal: AbortSignal.abort(new RefreshError('interrupted', 'staging is as it was')),
    abort: say,
    temporary: '',
  };
}
