import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RefreshError } from '../../../scripts/model/errors.ts';
import { parseConnectionUrl } from '../../../scripts/model/server-address.ts';
import type { DatabaseFacts } from '../../../scripts/model/servers.ts';
import { openSession } from '../../../scripts/postgres/session.ts';
import { readFacts } from '../../../scripts/stages/preflight/facts.ts';
import { countTables, requireLocks } from '../../../scripts/stages/preflight/locks.ts';
import { as } from '../../support/scenario.ts';
import { freshDatabase, servers, type TestDatabase } from '../../support/servers.ts';

test('what does not fit into four fifths of a lock table is refused with the arithmetic, production first', async () => {
  const facts = await factsOf((await servers()).production);
  const with_ = (lockCapacity: number): DatabaseFacts => ({ ...facts, lockCapacity });
  // 400 tables: 800 locks there, 400 here.
  requireLocks(400, with_(1000), with_(500));
  assert.throws(
    () => requireLocks(401, with_(1000), with_(500)),
    refusal('production server', '401 tables × 2 sessions need 802 locks, and 1000 fit into the lock table'),
  );
  assert.throws(
    () => requireLocks(401, with_(10_000), with_(500)),
    refusal('staging server', '401 tables need 401 locks, and 500 fit into the lock table'),
  );
});

test('the lock table is as large as the server’s settings make it; every table counts that a dump locks', async () => {
  const { production } = await servers();
  const { lockCapacity } = await factsOf(production);
  const database = await freshDatabase(production, { prefix: 'locks' });
  const [settings] = await as('postgres', database, async (session) => {
    await session.query(`create table t (id int); create table p (id int) partition by list (id);
      create table p1 partition of p default; create unlogged table u (t text); create view v as select 1;
      create materialized view m as select 1; create index on t (id); create temporary table temp (id int)`);
    const { rows } = await session.query<{ capacity: number }>(
      `select current_setting('max_locks_per_transaction')::int
         * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as capacity`,
    );
    return rows;
  });
  assert.equal(lockCapacity, settings?.capacity);
  await using session = await open(database);
  assert.equal(await countTables(session), 4);
});

function refusal(object: string, message: string): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof RefreshError);
    assert.deepEqual([error.code, error.object, error.message], ['locks-insufficient', object, message]);
    assert.match(error.hint, /raise max_locks_per_transaction there/);
    return true;
  };
}

async function factsOf(server: TestDatabase['server']): Promise<DatabaseFacts> {
  await using session = await open(await freshDatabase(server, { prefix: 'locks' }));
  return await readFacts(session);
}

function open(database: TestDatabase): ReturnType<typeof openSession> {
  const ca = readFileSync(database.server.caFile, 'utf8');
  const address = parseConnectionUrl(database.url('postgres'), 'URL', ca);
  return openSession(address, { side: 'production', applicationName: 'a test' });
}
