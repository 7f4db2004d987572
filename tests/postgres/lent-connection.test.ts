import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { DistantServer, Trips } from '../../scripts/bench/distant-server.ts';
import { environmentName } from '../../scripts/contract.ts';
import type { StagingRun } from '../../scripts/model/run.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { lendConnection } from '../../scripts/postgres/lent-connection.ts';
import { openSession } from '../../scripts/postgres/session.ts';
import { dumpAhead } from '../../scripts/stages/schema/dump.ts';
import { makeScenario } from '../support/scenario.ts';
import { engineEnvironment, servers } from '../support/servers.ts';

// pg_restore begins with it from 17 on, and a server of 16 would refuse all that follows: none is here, but what is not
// passed on changes nothing in one of 17 either.
test('a setting that only newer servers know is not passed on, and the program goes on', async () => {
  const environment = await engineEnvironment({
    productionDatabase: 'postgres',
    stagingDatabase: 'postgres',
  });
  const { stagingUrl, stagingCa } = environmentName;
  const address = parseConnectionUrl(environment[stagingUrl] ?? '', stagingUrl, environment[stagingCa]);
  await using session = await openSession(address, { side: 'staging', applicationName: 'lent' });
  const folder = await mkdtemp(join(tmpdir(), 'lent-'));
  await chmod(folder, 0o700);
  try {
    await session.run(`begin; set transaction_timeout = '1h'`);
    const { stdout } = await lendConnection(session, folder, async (env) => {
      const { tools } = await servers();
      const commands = ['SET transaction_timeout = 0;', 'SET lock_timeout = 4711;', 'SHOW lock_timeout'];
      const options = ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap((command) => ['-c', command])];
      return await promisify(execFile)(join(tools.bindir, 'psql'), options, { env });
    });
    assert.equal(stdout, '4711ms\n');
    const [setting] = await session.rows('show transaction_timeout');
    assert.deepEqual(setting, { transaction_timeout: '1h' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

// Everything before an answer that is wanted has to be read first, and waits here: of 10,000 tables 12 MB.
test('far from a server pg_dump’s questions are asked ahead, unless there is very much to answer', async () => {
  const answered = async (domains: number) => {
    const make = `do $$ begin for n in 1..${domains} loop execute 'create domain d_' || n || ' as text'; end loop; end $$`;
    await using scenario = await makeScenario(make);
    const trips = new Trips(5);
    await using far = await DistantServer.open((await servers()).production.port, 5, trips);
    const { productionUrl, productionCa } = environmentName;
    const url = new URL(scenario.environment[productionUrl] ?? '');
    url.port = String(far.port);
    const address = parseConnectionUrl(url.href, productionUrl, scenario.environment[productionCa]);
    await using session = await openSession(address, { side: 'production', applicationName: 'far' });
    const temporary = await mkdtemp(join(tmpdir(), 'far-'));
    try {
      const before = trips.sent;
      const { tools } = await servers();
      const major = Number.parseInt(tools.version, 10);
      const run = { temporary, signal: new AbortController().signal } as unknown as StagingRun;
      const args = ['--schema-only', `--file=${join(temporary, 'dump')}`];
      await dumpAhead(run, { ...tools, major }, session, 'begin isolation level repeatable read', args);
      assert.match(await readFile(join(temporary, 'dump'), 'utf8'), /CREATE DOMAIN public\.d_1 /);
      return trips.sent - before;
    } finally {
      await rm(temporary, { recursive: true });
    }
  };
  const [few, many] = [await answered(10), await answered(2001)];
  // Counted is what was sent after an answer, whenever that was: one after the other they are 57 or more.
  assert(few < 30, `${few} times sent after an answer`);
  assert(many > 30, `${many} times sent after an answer`);
});
