import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { environmentName } from '../../scripts/contract.ts';
import { parseConnectionUrl } from '../../scripts/model/server-address.ts';
import { lendConnection } from '../../scripts/postgres/lent-connection.ts';
import { openSession } from '../../scripts/postgres/session.ts';
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
