import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Client } from 'pg';
import type { LocalServer } from './local-server.ts';
import { createDatabase, createReader, createUser } from './roles.ts';
import { connectionUrl } from './server.ts';
import { superuser, withSession } from './session.ts';

export interface SampleBusiness {
  readonly database: 'shop';
  readonly readerUrl: string;
  readonly appUrl: string;
  readonly adminUrl: string;
  /** Rows of all tables. */
  readonly rows: number;
}

/**
 * Production as a small wholesaler has it: the roles `app` and `reader`, and the database `shop`, which `app` owns with
 * everything in it. The content is the same each time. Fails as PostgreSQL does where one of these exists already.
 */
export async function createSampleBusiness(server: LocalServer): Promise<SampleBusiness> {
  const app = { user: 'app', password: randomBytes(24).toString('base64url') };
  const reader = { user: 'reader', password: randomBytes(24).toString('base64url') };
  await createUser(server, app.user, app.password);
  await createDatabase(server, 'shop', app.user);
  await createReader(server, reader, 'shop');
  return {
    database: 'shop',
    readerUrl: connectionUrl(server, reader.user, reader.password, 'shop'),
    appUrl: connectionUrl(server, app.user, app.password, 'shop'),
    adminUrl: connectionUrl(server, server.adminUser, server.adminPassword, 'shop'),
    rows: await fillSampleBusiness(server, 'shop'),
  };
}

/** Tables and rows in an empty database that `app` owns; returns how many rows there are. */
export async function fillSampleBusiness(server: LocalServer, database: string): Promise<number> {
  return await asApp(server, database, async (session) => {
    for (const file of ['schema.sql', 'rows.sql', 'rules.sql']) await session.query(await statements(file));
    await describeSampleDatabase(session, database);
    await session.query('VACUUM (ANALYZE)');
    return await countRows(session);
  });
}

/** What belongs to the database itself, and therefore isn't in a copy that is made from it as a template. */
export async function describeSampleDatabase(session: Client, database: string): Promise<void> {
  const name = session.escapeIdentifier(database);
  await session.query(`ALTER DATABASE ${name} SET default_text_search_config = 'pg_catalog.english'`);
  await session.query(`COMMENT ON DATABASE ${name} IS 'The wholesaler''s production'`);
}

/** A week of business: new orders, changed and deleted rows, new audit events. The same each time, from the same state. */
export async function nextWeek(server: LocalServer, database = 'shop'): Promise<void> {
  await asApp(server, database, async (session) => {
    await session.query('BEGIN');
    await session.query(await statements('next-week.sql'));
    await session.query('COMMIT');
  });
}

/** In the app's role, so that the app owns what is made and nothing needs more rights than the app has. */
async function asApp<Result>(
  server: LocalServer,
  database: string,
  work: (session: Client) => Promise<Result>,
): Promise<Result> {
  return await withSession(server, superuser(server), database, async (session) => {
    await session.query('SET ROLE app');
    return await work(session);
  });
}

async function statements(file: string): Promise<string> {
  return await readFile(new URL(`sample/${file}`, import.meta.url), 'utf8');
}

async function countRows(session: Client): Promise<number> {
  const tables = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname IN ('public', 'billing', 'audit')`,
  );
  const counts = tables.rows.map(({ name }) => `SELECT count(*) AS rows FROM ${name}`).join(' UNION ALL ');
  const total = await session.query<{ rows: string }>(`SELECT sum(rows) AS rows FROM (${counts}) AS counted`);
  return Number(total.rows[0]?.rows ?? 0);
}
