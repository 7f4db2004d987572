import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { Client, type QueryResultRow } from 'pg';
import { environmentName } from '../../scripts/contract.ts';
import { dropDatabase as drop } from '../../scripts/local/roles.ts';
import { describeSampleDatabase } from '../../scripts/local/sample-business.ts';
import { connectionUrl, type LocalServer } from '../../scripts/local/server.ts';
import { admin, type Login, superuser, withSession } from '../../scripts/local/session.ts';
import { pairVariable, sampleTemplate, startPair, stopPair, type TestPair } from './pair.ts';

export interface TestDatabase {
  readonly name: string;
  readonly server: LocalServer;
  /** Connection string of one of the server's four roles. */
  url(user: 'app' | 'reader' | 'doadmin' | 'postgres'): string;
}

let shared: Promise<TestPair> | undefined;

// At import, so that the hook is the test file's own, not that of the first test which asks for servers.
after(async () => {
  if (shared && !process.env[pairVariable]) await stopPair(await shared);
});

/** The pair of servers of this test run; a test file that runs alone gets its own at first use. */
export async function servers(): Promise<TestPair> {
  shared ??= existingPair() ?? ownPair();
  return await shared;
}

/** A folder (0700) for a test file's own servers and files, which goes with the pair even if the run is interrupted. */
export async function testFolder(): Promise<string> {
  const { folder } = await servers();
  return await mkdtemp(join(folder, 'test-'));
}

/** Rows of one statement over verified TLS. */
export async function query<Row extends QueryResultRow = Record<string, unknown>>(
  url: string,
  caFile: string,
  sql: string,
  params: unknown[] = [],
): Promise<Row[]> {
  const { protocol, username, password, hostname, port, pathname } = new URL(url);
  if (protocol !== 'postgresql:') throw new Error('a postgresql: URL is needed');
  const session = new Client({
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    ssl: { ca: readFileSync(caFile, 'utf8') },
  });
  await session.connect();
  try {
    return (await session.query<Row>(sql, params)).rows;
  } finally {
    await session.end();
  }
}

/** An empty database with a name of its own, owned by `owner` (default `app`). */
export async function freshDatabase(
  server: LocalServer,
  options: { owner?: string; prefix?: string } = {},
): Promise<TestDatabase> {
  return await makeDatabase(server, options.prefix ?? 'test', options.owner ?? 'app', 'template1');
}

/** A copy of the sample business on production, made in a second. */
export async function sampleDatabase(options: { prefix?: string } = {}): Promise<TestDatabase> {
  const { production } = await servers();
  const database = await makeDatabase(production, options.prefix ?? 'sample', 'app', sampleTemplate);
  await withSession(production, superuser(production), database.name, async (session) => {
    await describeSampleDatabase(session, database.name);
  });
  return database;
}

/** Ends its sessions first; no effect when it is gone already. */
export async function dropDatabase(database: TestDatabase): Promise<void> {
  await drop(database.server, database.name);
}

/**
 * What the engine's command line needs, and nothing of this process's own environment: the reader's URL of production,
 * doadmin's of staging, both CAs, PostgreSQL's programs, and a PATH with Node and the system.
 */
export async function engineEnvironment(databases: {
  productionDatabase: string;
  stagingDatabase: string;
}): Promise<Record<string, string>> {
  const { production, staging, tools, reader } = await servers();
  const { user, password } = admin(staging);
  return {
    [environmentName.productionUrl]: connectionUrl(
      production,
      reader.user,
      reader.password,
      databases.productionDatabase,
    ),
    [environmentName.productionCa]: readFileSync(production.caFile, 'utf8'),
    [environmentName.stagingUrl]: connectionUrl(staging, user, password, databases.stagingDatabase),
    [environmentName.stagingCa]: readFileSync(staging.caFile, 'utf8'),
    PG_BINDIR: tools.bindir,
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
  };
}

function existingPair(): Promise<TestPair> | undefined {
  const description = process.env[pairVariable];
  if (!description || !existsSync(description)) return undefined;
  return Promise.resolve(JSON.parse(readFileSync(description, 'utf8')) as TestPair);
}

/** The runner ends an interrupted test file with SIGTERM, by itself no reason for Node to run what waits for its exit. */
async function ownPair(): Promise<TestPair> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(130));
  return await startPair();
}

async function makeDatabase(
  server: LocalServer,
  prefix: string,
  owner: string,
  template: string,
): Promise<TestDatabase> {
  const name = `${prefix}_${randomBytes(5).toString('hex')}`;
  await withSession(server, superuser(server), 'postgres', async (session) => {
    const quoted = [name, owner, template].map((part) => session.escapeIdentifier(part));
    await session.query(`CREATE DATABASE ${quoted[0]} OWNER ${quoted[1]} TEMPLATE ${quoted[2]}`);
  });
  return await describeDatabase(server, name);
}

/** A database that exists, on a server whose roles have the passwords of the pair's. */
export async function describeDatabase(server: LocalServer, name: string): Promise<TestDatabase> {
  const pair = await servers();
  const logins: Record<string, Login> = {
    app: pair.app,
    reader: pair.reader,
    doadmin: admin(server),
    postgres: superuser(server),
  };
  return {
    name,
    server,
    url(user) {
      const login = logins[user];
      if (!login) throw new Error(`no role ${user}`);
      return connectionUrl(server, login.user, login.password, name);
    },
  };
}
