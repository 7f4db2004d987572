import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeIdentifier } from 'pg';
import { openAuthority } from '../local/certificates.ts';
import { findPostgres, type PostgresTools } from '../local/postgres-install.ts';
import { createDatabase, createUser } from '../local/roles.ts';
import {
  createServer,
  type LocalServer,
  openServer,
  removeServer,
  startServer,
  stopServer,
} from '../local/server.ts';
import { type Login, superuser, withSession } from '../local/session.ts';

/** The two servers of a benchmark, with the roles of a real pair. */
export interface BenchPair {
  readonly folder: string;
  readonly tools: PostgresTools;
  readonly production: LocalServer;
  readonly staging: LocalServer;
  /** Owns the databases, on both servers. */
  readonly app: Login;
  /** Reads everything on production. */
  readonly reader: Login;
}

/**
 * As on a server of this size: durable, and with checkpoints rare enough that chance doesn't place one in somebody's
 * run. The lock table is larger than the default because pg_dump locks 10,000 tables in one transaction.
 */
export const serverSettings = {
  fsync: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  max_locks_per_transaction: '512',
} as const;

/** Only loopback reaches these servers, they are the benchmark's own, and they hold made-up rows. */
const password = 'benchmark';

/** The repository's own state folder: a fetched PostgreSQL stays there. */
const cache = fileURLToPath(new URL('../../.local', import.meta.url));

/**
 * Makes the two servers, or starts those that an earlier benchmark left in `folder`, where they have a folder of their
 * own: whatever else lies there is not ours to remove.
 */
export async function openPair(folder: string | undefined, say: (line: string) => void): Promise<BenchPair> {
  const tools = await findPostgres(cache, say);
  const place = folder
    ? join(folder, 'staging-refresh-bench')
    : await mkdtemp(join(tmpdir(), 'staging-refresh-bench-'));
  await mkdir(place, { recursive: true, mode: 0o700 });
  const authority = await openAuthority(join(place, 'authority'));
  const open = async (name: string): Promise<LocalServer> => {
    const there = await openServer(join(place, name));
    if (there) {
      await startServer(there);
      return there;
    }
    const settings = serverSettings;
    const server = await createServer({ name, folder: join(place, name), tools, authority, settings });
    await createUser(server, 'app', password);
    return server;
  };
  const production = await open('production');
  try {
    const staging = await open('staging');
    const reader = { user: 'reader', password };
    return { folder: place, tools, production, staging, app: { user: 'app', password }, reader };
  } catch (error) {
    await stopServer(production);
    throw error;
  }
}

/** Stops both servers; without `keep` nothing of them is left. */
export async function closePair(pair: BenchPair, keep: boolean): Promise<void> {
  for (const server of [pair.production, pair.staging]) {
    if (keep) await stopServer(server);
    else await removeServer(server);
  }
  if (!keep) await rm(pair.folder, { recursive: true, force: true });
}

/** Process ids of the two servers' first processes. */
export function postmasters(pair: BenchPair): number[] {
  return [pair.production, pair.staging].map((server) =>
    Number.parseInt(readFileSync(join(server.folder, 'data', 'postmaster.pid'), 'utf8'), 10),
  );
}

/** Everything that was written goes to disk now, at nobody's expense. */
export async function checkpoint(pair: BenchPair): Promise<void> {
  for (const server of [pair.production, pair.staging]) {
    await withSession(server, superuser(server), 'postgres', async (session) => {
      await session.query('CHECKPOINT');
    });
  }
}

/** Leaves staging with one empty database of this name, whatever the last contender made. */
export async function resetStaging(pair: BenchPair, name: string, owner: string): Promise<void> {
  await clearStaging(pair);
  await createDatabase(pair.staging, name, owner);
}

export async function clearStaging(pair: BenchPair): Promise<void> {
  await withSession(pair.staging, superuser(pair.staging), 'postgres', async (session) => {
    const { rows } = await session.query<{ name: string }>(
      `SELECT datname AS name FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', 'defaultdb')`,
    );
    for (const { name } of rows) await session.query(`DROP DATABASE ${escapeIdentifier(name)} WITH (FORCE)`);
  });
}
