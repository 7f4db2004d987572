import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer as createListener } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { openAuthority } from '../../scripts/local/certificates.ts';
import {
  connectionUrl,
  createServer,
  isRunning,
  type LocalServer,
  openServer,
  removeServer,
  type ServerOptions,
  startServer,
  stopServer,
} from '../../scripts/local/server.ts';
import { query, servers, testFolder } from '../support/servers.ts';

// It is 0700: as root this is a folder that the server's own user could not enter.
const root = await testFolder();
const made: LocalServer[] = [];
after(async () => {
  for (const server of made) await removeServer(server);
  await rm(root, { recursive: true, force: true });
});

describe('a local server', () => {
  test('keeps port, passwords and data over a stop and a start', async () => {
    const server = await create('kept');
    await query(adminUrl(server), server.caFile, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await stopServer(server);
    assert.equal(await isRunning(server), false);
    assert.equal(await accepts(server.port), false);
    await stopServer(server);
    const opened = await openServer(server.folder);
    assert.deepEqual(opened, server);
    await startServer(server);
    await startServer(server);
    assert.equal(await isRunning(server), true);
    assert.deepEqual(await query(adminUrl(server), server.caFile, 'TABLE kept'), [{ answer: 42 }]);
  });

  test('outlives the process that started it', async () => {
    const server = await create('detached');
    await stopServer(server);
    const module = new URL('../../scripts/local/server.ts', import.meta.url).href;
    const code = `const s = await import(process.argv[1]); await s.startServer(await s.openServer(process.argv[2]))`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, module, server.folder]);
    assert.deepEqual(await query(adminUrl(server), server.caFile, 'SELECT 1 AS one'), [{ one: 1 }]);
  });

  test('removed, it leaves no process, port or file', async () => {
    const server = await create('removed');
    const pid = Number.parseInt(await readFile(join(server.folder, 'data', 'postmaster.pid'), 'utf8'), 10);
    assert.equal(await lives(pid), true);
    await removeServer(server);
    assert.equal(await lives(pid), false);
    assert.equal(await accepts(server.port), false);
    assert.equal(existsSync(server.folder), false);
    assert.equal(await openServer(server.folder), undefined);
  });

  test('is open to its owner only, and its secrets too', async () => {
    const server = await create('private');
    assert.equal((await stat(server.folder)).mode & 0o777, 0o700);
    for (const file of ['server.json', 'data/server.key']) {
      assert.equal((await stat(join(server.folder, file))).mode & 0o777, 0o600, file);
    }
    assert.equal(existsSync(join(server.folder, 'password')), false);
    assert.doesNotMatch(
      await readFile(join(server.folder, 'server.log'), 'utf8'),
      new RegExp(server.adminPassword),
    );
  });

  test('takes no connection without TLS, without a password, or with a wrong one', async () => {
    const { production: server } = await servers();
    const login = { host: '127.0.0.1', port: server.port, user: 'doadmin', database: 'defaultdb' };
    const ssl = { ca: await readFile(server.caFile, 'utf8') };
    await assert.rejects(tryLogin({ ...login, password: server.adminPassword }), /no encryption/);
    await assert.rejects(tryLogin({ ...login, password: 'wrong', ssl }), { code: '28P01' });
  });

  test('a second one is not made in the same folder', async () => {
    const server = await create('twice');
    await assert.rejects(create('twice'), { code: 'already-running' });
    assert.equal(await isRunning(server), true);
  });

  test('what an interrupted creation left is taken down and made anew', async () => {
    const server = await create('interrupted');
    const description = join(server.folder, 'server.json');
    const text = await readFile(description, 'utf8');
    await writeFile(description, text.replace('"ready": true', '"ready": false'));
    const pid = Number.parseInt(await readFile(join(server.folder, 'data', 'postmaster.pid'), 'utf8'), 10);
    assert.equal(await openServer(server.folder), undefined);
    const again = await create('interrupted');
    assert.equal(await lives(pid), false);
    assert.notEqual(again.adminPassword, server.adminPassword);
    assert.deepEqual(await query(adminUrl(again), again.caFile, 'SELECT 1 AS one'), [{ one: 1 }]);
  });

  test('a creation that fails says why and leaves nothing', async () => {
    await assert.rejects(create('failed', { settings: { fsync: 'off', shared_buffers: 'nonsense' } }), {
      code: 'tool-failed',
      message: /shared_buffers/,
    });
    assert.equal(existsSync(join(root, 'failed')), false);
  });

  test('a port that somebody else has taken is named', async () => {
    const server = await create('port');
    await stopServer(server);
    const listener = createListener();
    const listening = Promise.withResolvers<void>();
    listener.listen(server.port, '127.0.0.1', listening.resolve);
    await listening.promise;
    try {
      await assert.rejects(startServer(server), {
        code: 'host-unreachable',
        object: `localhost:${server.port}`,
      });
    } finally {
      listener.close();
    }
  });

  test('works below a path with blanks and an apostrophe', async () => {
    const folder = join(root, `a folder's name`);
    await mkdir(folder);
    const server = await create('odd', { folder: join(folder, 'server') });
    assert.deepEqual(await query(adminUrl(server), server.caFile, 'SELECT 1 AS one'), [{ one: 1 }]);
  });
});

test('connectionUrl escapes what a URL would misread', () => {
  const server = { host: 'localhost', port: 5432 } as LocalServer;
  assert.equal(
    connectionUrl(server, 'a b', 'p@ss/w:rd?#%', 'my db'),
    'postgresql://a%20b:p%40ss%2Fw%3Ard%3F%23%25@localhost:5432/my%20db?sslmode=require',
  );
});

async function create(name: string, options: Partial<ServerOptions> = {}): Promise<LocalServer> {
  const { tools } = await servers();
  const authority = await openAuthority(join(root, 'authority'));
  const server = await createServer({
    name,
    folder: join(root, name),
    tools,
    authority,
    settings: { fsync: 'off', shared_buffers: '16MB' },
    ...options,
  });
  made.push(server);
  return server;
}

function adminUrl(server: LocalServer): string {
  return connectionUrl(server, server.adminUser, server.adminPassword, 'defaultdb');
}

async function tryLogin(config: ConstructorParameters<typeof Client>[0]): Promise<void> {
  const session = new Client(config);
  await session.connect();
  await session.end();
}

async function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

/** In a container whose first process reaps nobody an ended process stays as a zombie, which holds nothing. */
async function lives(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return status !== undefined && !/\) Z /.test(status);
}
