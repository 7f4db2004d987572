import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import type { LocalServer } from './server.ts';
import { superuser, withSession } from './session.ts';

/** What production holds, in three figures that a change of any row changes. */
export interface ProductionContent {
  readonly tables: number;
  readonly rows: number;
  readonly hash: string;
}

/** Reads every row and every sequence of `shop`, in one snapshot. */
export async function readProductionContent(server: LocalServer): Promise<ProductionContent> {
  return await withSession(server, superuser(server), 'shop', async (session) => {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const relations = await relationsOf(session);
    const contents: string[] = [];
    let rows = 0;
    for (const { name, kind } of relations) {
      const content = await contentOf(session, name);
      contents.push(`${name} ${content.rows} ${content.hash}`);
      if (kind === 'r') rows += Number(content.rows);
    }
    await session.query('COMMIT');
    const tables = relations.filter(({ kind }) => kind === 'r').length;
    return { tables, rows, hash: createHash('sha256').update(contents.join('\n')).digest('hex') };
  });
}

export function describeContent({ tables, rows, hash }: ProductionContent): string {
  return `${tables} tables, ${rows.toLocaleString('en-US')} rows, content ${hash.slice(0, 16)}`;
}

interface Relation {
  readonly name: string;
  /** `r`: table, `S`: sequence. */
  readonly kind: 'r' | 'S';
}

async function relationsOf(session: Client): Promise<Relation[]> {
  const found = await session.query<Relation>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
     ORDER BY 1`,
  );
  return found.rows;
}

async function contentOf(session: Client, relation: string): Promise<{ rows: string; hash: string | null }> {
  const found = await session.query<{ rows: string; hash: string | null }>(
    `SELECT count(*) AS rows, sum(hashtextextended(ROW(t.*)::text, 0)) AS hash FROM ONLY ${relation} AS t`,
  );
  return found.rows[0] ?? { rows: '0', hash: null };
}
