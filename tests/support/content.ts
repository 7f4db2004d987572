import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { libpqAs } from './libpq.ts';
import { servers, type TestDatabase } from './servers.ts';

/** Everything that two equal databases have in common. */
export interface Content {
  /** Number and hash of all rows, by `schema.table`; of views and materialized views too. */
  readonly tables: Readonly<Record<string, string>>;
  /** `last_value/is_called` by sequence. */
  readonly sequences: Readonly<Record<string, string>>;
  /** What pg_dump writes, owners and privileges included. */
  readonly schema: string;
}

/** Reads a database as superuser, who sees everything. */
export async function contentOf(database: Pick<TestDatabase, 'server' | 'name'>): Promise<Content> {
  return {
    ...(await withSession(database.server, superuser(database.server), database.name, async (session) => ({
      tables: await tableContent(session),
      sequences: await sequenceContent(session),
    }))),
    schema: await schemaOf(database),
  };
}

/** pg_dump's own script, without what differs from call to call. */
export async function schemaOf(database: Pick<TestDatabase, 'server' | 'name'>): Promise<string> {
  return (await dumpOf(database, ['--schema-only'])).replaceAll(/^\\(un)?restrict .*$/gm, '');
}

/** What stock pg_dump writes, as superuser; rows too unless the flags say otherwise. */
export async function dumpOf(
  database: Pick<TestDatabase, 'server' | 'name'>,
  flags: readonly string[] = [],
): Promise<string> {
  const { tools } = await servers();
  const { stdout } = await promisify(execFile)(`${tools.bindir}/pg_dump`, flags, {
    env: libpqAs(database, superuser(database.server)),
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

async function tableContent(session: Client): Promise<Record<string, string>> {
  const { rows } = await session.query<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
       and n.nspname !~ '^pg_(toast|temp)'`);
  const content: Record<string, string> = {};
  for (const { name } of rows) {
    const { rows: hashes } = await session.query<{ hash: string }>(
      `select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) as hash
         from ${name} as t`,
    );
    content[name] = hashes[0]?.hash ?? '';
  }
  return content;
}

async function sequenceContent(session: Client): Promise<Record<string, string>> {
  const { rows } = await session.query<{ name: string }>(
    `select format('%I.%I', schemaname, sequencename) as name from pg_sequences`,
  );
  const content: Record<string, string> = {};
  for (const { name } of rows) {
    const values = await session.query<{ state: string }>(
      `select last_value || '/' || is_called as state from ${name}`,
    );
    content[name] = values.rows[0]?.state ?? '';
  }
  return content;
}
