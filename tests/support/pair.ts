import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPostgres, type PostgresTools } from '../../scripts/local/postgres-install.ts';
import { createDatabase, createReader, createUser } from '../../scripts/local/roles.ts';
import { fillSampleBusiness } from '../../scripts/local/sample-business.ts';
import { createServer, type LocalServer, removeServer } from '../../scripts/local/server.ts';
import { type Login, superuser, withSession } from '../../scripts/local/session.ts';
import { memoryFolder } from './memory-folder.ts';
import { serverPrograms } from './server-versions.ts';

/** Two servers with the roles of a real pair, and a filled database on production that tests copy. */
export interface TestPair {
  readonly folder: string;
  readonly tools: PostgresTools;
  readonly production: LocalServer;
  readonly staging: LocalServer;
  /** On both servers. */
  readonly app: Login;
  /** On production. */
  readonly reader: Login;
}

/** Environment variable with the path of the pair's description, set when the pair is shared by all test files. */
export const pairVariable = 'STAGING_REFRESH_TEST_PAIR';

/** Database on production that holds the sample business and takes no connections: it is there to be copied. */
export const sampleTemplate = 'sample_template';

/** Speed counts for servers that live for minutes, and durability doesn't. */
const settings = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  shared_buffers: '64MB',
  maintenance_work_mem: '32MB',
  // Together they say how many locks fit.
  max_connections: '190',
  max_prepared_transactions: '10',
  max_wal_size: '1GB',
} as const;

/** The repository's own state folder: a fetched PostgreSQL stays there from one test run to the next. */
const cache = fileURLToPath(new URL('../../.local', import.meta.url));

export async function startPair(): Promise<TestPair> {
  const tools = await findPostgres(cache, (line) => process.stderr.write(`${line}\n`));
  // A short name: a socket somewhere below has 103 bytes for its path.
  const folder = await mkdtemp(join(memoryFolder(), 'refresh-tests-'));
  process.once('exit', () => abandon(folder));
  // Reading what makes certificates takes 0.1 s, which every test file would pay that finds the pair made already.
  const { openAuthority } = await import('../../scripts/local/certificates.ts');
  const authority = await openAuthority(join(folder, 'authority'));
  const [production, staging] = await Promise.all(
    (['production', 'staging'] as const).map(
      async (name) =>
        await createServer({
          name,
          folder: join(folder, name),
          tools: await serverPrograms(name, tools),
          authority,
          settings,
        }),
    ),
  );
  if (!production || !staging) throw new Error('two servers were to be made');
  const app = { user: 'app', password: randomBytes(12).toString('hex') };
  const reader = { user: 'reader', password: randomBytes(12).toString('hex') };
  for (const server of [production, staging]) await createUser(server, app.user, app.password);
  await createDatabase(production, sampleTemplate, app.user);
  await fillSampleBusiness(production, sampleTemplate);
  await createReader(production, reader, sampleTemplate);
  await withSession(production, superuser(production), 'postgres', async (session) => {
    await session.query(`ALTER DATABASE ${sampleTemplate} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  });
  return { folder, tools, production, staging, app, reader };
}

export async function stopPair(pair: TestPair): Promise<void> {
  await Promise.all([removeServer(pair.production), removeServer(pair.staging)]);
  // A test file that was interrupted may have servers of its own left there.
  abandon(pair.folder);
}

/** An interrupted run leaves nothing either, in whatever folder below; there is no time left for anything that waits. */
function abandon(folder: string): void {
  if (!existsSync(folder)) return;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const postmasters = files
    .filter((path) => basename(path) === 'postmaster.pid')
    .map((path) => join(folder, path));
  for (const file of postmasters) {
    try {
      process.kill(Number.parseInt(readFileSync(file, 'utf8'), 10), 'SIGQUIT');
    } catch {
      // stopped already, as it should be
    }
  }
  // Each takes its pid file away when it ends; what it writes until then would be in the way of the removal.
  for (let tries = 0; tries < 200 && postmasters.some((file) => existsSync(file)); tries++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
