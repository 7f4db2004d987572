import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase, createReader } from '../local/roles.ts';
import { connectionUrl, type LocalServer } from '../local/server.ts';
import { superuser, withSession } from '../local/session.ts';
import { RefreshError } from '../model/errors.ts';
import { parseConnectionUrl } from '../model/server-address.ts';
import { libpqEnvironment } from '../postgres/server-tools.ts';
import { runChild } from '../system/child.ts';
import type { BenchPair } from './bench-pair.ts';

/** How large a database of production is. */
export interface DataSize {
  readonly scale: number;
  readonly smallTables: number;
  /** `people`: what a data policy is measured on; default: a business. */
  readonly kind?: 'people';
}

/** What a database holds: enough to see that a contender has really done the work. */
export interface Content {
  readonly tables: number;
  readonly rows: number;
  /** Bytes of tables with TOAST, without indexes. */
  readonly tableBytes: number;
  readonly indexBytes: number;
  /** Kinds of objects with their numbers, as text: `index valid: 220; ...`. */
  readonly objects: string;
}

/** Makes the database if it isn't there yet, and returns its name. The same size gives the same rows. */
export async function makeProduction(pair: BenchPair, size: DataSize, signal: AbortSignal): Promise<string> {
  const name = `bench_${size.kind ?? ''}${String(size.scale).replace('.', '_')}_${size.smallTables}`;
  if (await isFinished(pair.production, name)) return name;
  const { production, app, reader } = pair;
  await withSession(production, superuser(production), 'postgres', async (session) => {
    await session.query(`DROP DATABASE IF EXISTS ${session.escapeIdentifier(name)} WITH (FORCE)`);
  });
  await createDatabase(production, name, app.user);
  const address = parseConnectionUrl(
    connectionUrl(production, app.user, app.password, name),
    'PRODUCTION_DB_URL',
  );
  const env = libpqEnvironment(address, production.caFile);
  const files =
    size.kind === 'people'
      ? ['people.sql']
      : ['business.sql', ...(size.smallTables > 0 ? ['small-tables.sql'] : [])];
  for (const file of files) {
    const path = fileURLToPath(new URL(`data/${file}`, import.meta.url));
    const variables = [`--set=scale=${size.scale}`, `--set=small_tables=${size.smallTables}`];
    const args = ['-X', '-q', '--set=ON_ERROR_STOP=1', ...variables, `--file=${path}`];
    const { code, stderr } = await runChild(join(pair.tools.bindir, 'psql'), args, { env, signal });
    signal.throwIfAborted();
    if (code !== 0)
      throw new RefreshError('tool-failed', `psql could not make the data: ${stderr.slice(-1000)}`, {
        object: file,
      });
  }
  await allowReader(pair, reader, name);
  await withSession(production, superuser(production), name, async (session) => {
    // Or autovacuum would do it in the middle of somebody's run.
    await session.query('VACUUM (FREEZE, ANALYZE)');
    await session.query(`COMMENT ON DATABASE ${session.escapeIdentifier(name)} IS 'finished'`);
  });
  return name;
}

/** Counts everything; reads every table once. */
export async function contentOf(server: LocalServer, database: string): Promise<Content> {
  return await withSession(server, superuser(server), database, async (session) => {
    const { rows: tables } = await session.query<{ name: string; bytes: string; indexes: string }>(
      `SELECT format('%I.%I', nspname, relname) AS name, pg_table_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS indexes
         FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE relkind = 'r' AND nspname = 'public'`,
    );
    let rows = 0;
    // One statement for all would need a lock for each table at once.
    for (let first = 0; first < tables.length; first += 200) {
      const counts = tables.slice(first, first + 200).map(({ name }) => `SELECT count(*) AS n FROM ${name}`);
      const counted = await session.query<{ n: string }>(
        `SELECT sum(n) AS n FROM (${counts.join(' UNION ALL ')}) AS c`,
      );
      rows += Number(counted.rows[0]?.n);
    }
    const objects = await session.query<{ text: string }>(objectsSql);
    return {
      tables: tables.length,
      rows,
      tableBytes: tables.reduce((sum, table) => sum + Number(table.bytes), 0),
      indexBytes: tables.reduce((sum, table) => sum + Number(table.indexes), 0),
      objects: objects.rows[0]?.text ?? '',
    };
  });
}

const objectsSql = `
  SELECT string_agg(kind || ': ' || n, '; ' ORDER BY kind) AS text FROM (
    SELECT 'relation ' || relkind::text || CASE WHEN indisvalid IS FALSE THEN ' invalid' ELSE '' END AS kind, count(*) AS n
      FROM pg_class LEFT JOIN pg_index ON indexrelid = pg_class.oid
     WHERE relnamespace = 'public'::regnamespace GROUP BY 1
     UNION ALL
    SELECT 'constraint ' || contype::text || CASE WHEN convalidated THEN '' ELSE ' not valid' END, count(*)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace GROUP BY 1
     UNION ALL
    SELECT 'sequence ' || sequencename || ' at', last_value FROM pg_sequences WHERE schemaname = 'public') AS found`;

async function isFinished(server: LocalServer, name: string): Promise<boolean> {
  return await withSession(server, superuser(server), 'postgres', async (session) => {
    const { rowCount } = await session.query(
      `SELECT FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') = 'finished'`,
      [name],
    );
    return rowCount === 1;
  });
}

async function allowReader(pair: BenchPair, reader: BenchPair['reader'], database: string): Promise<void> {
  const { production } = pair;
  const there = await withSession(production, superuser(production), 'postgres', async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_roles WHERE rolname = $1', [reader.user]);
    return rowCount === 1;
  });
  if (!there) await createReader(production, reader, database);
}
