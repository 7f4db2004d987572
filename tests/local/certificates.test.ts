import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { connectionUrl } from '../../scripts/local/server.ts';
import { admin } from '../../scripts/local/session.ts';
import { libpqAs } from '../support/libpq.ts';
import { query, servers } from '../support/servers.ts';

const run = promisify(execFile);
const root = await mkdtemp(join(tmpdir(), 'certificates-test-'));
after(async () => await rm(root, { recursive: true, force: true }));

describe('the local authority', () => {
  test('is made once, and only its owner can read it', async () => {
    const folder = join(root, 'once');
    const made = await openAuthority(folder);
    const opened = await openAuthority(folder);
    assert.equal(opened.caPem, made.caPem);
    assert.doesNotMatch(made.caPem, /PRIVATE/);
    assert.equal((await stat(join(folder, 'authority.pem'))).mode & 0o777, 0o600);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
  });

  test('says which file is damaged', async () => {
    const folder = join(root, 'damaged');
    await openAuthority(folder);
    await writeFile(join(folder, 'authority.pem'), '-----BEGIN CERTIFICATE-----\n');
    await assert.rejects(openAuthority(folder), { code: 'bad-file', object: join(folder, 'authority.pem') });
  });

  test('lets a real TLS connection verify the server, for the name and for the address', async () => {
    const { staging } = await servers();
    const url = connectionUrl(staging, staging.adminUser, staging.adminPassword, 'defaultdb');
    for (const host of ['localhost', '127.0.0.1']) {
      const rows = await query(
        url.replace('localhost', host),
        staging.caFile,
        'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl',
      );
      assert.deepEqual(rows, [{ version: 'TLSv1.3' }]);
    }
  });

  test('a server of another authority is refused', async () => {
    const { staging } = await servers();
    const stranger = join(root, 'stranger.crt');
    await writeFile(stranger, (await openAuthority(join(root, 'stranger'))).caPem);
    const url = connectionUrl(staging, staging.adminUser, staging.adminPassword, 'defaultdb');
    await assert.rejects(query(url, stranger, 'SELECT 1'), /certificate/);
  });

  test("satisfies verify-full of PostgreSQL's own programs", async () => {
    const { staging, tools } = await servers();
    const login = libpqAs({ server: staging, name: 'defaultdb' }, admin(staging));
    const psql = async (authority: string): Promise<string> => {
      const env = { ...login, PGSSLROOTCERT: authority };
      return (await run(join(tools.bindir, 'psql'), ['-XAtc', 'SELECT current_user'], { env })).stdout.trim();
    };
    assert.equal(await psql(staging.caFile), 'doadmin');
    await assert.rejects(psql(join(root, 'stranger.crt')), /certificate verify failed/);
  });
});
