import { RefreshError } from '../../model/errors.ts';
import { count } from '../../model/figures.ts';
import type { LoadedTable, Verification } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import { readSequences } from '../../postgres/catalog.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { refuse } from './comparisons.ts';

/**
 * Proves what can be proved of a dump that says nothing of itself: each table has the rows that the file has for it, and
 * there are tables at all. That every statement went through is proved by the load, which stops at the first that fails.
 *
 * @param rows lines of each COPY, by the table's name as the file has it.
 * @throws RefreshError `copy-differs`, `empty-source`.
 */
export async function verifyScript(
  run: StagingRun,
  rows: ReadonlyMap<string, number>,
  database: string,
): Promise<{ readonly verified: Verified; readonly tables: readonly LoadedTable[] }> {
  await using session = await openStaging(run, database, { search_path: '' });
  const counted = await session.rows<CountedTable>(tablesQuery);
  if (counted.length === 0) {
    throw new RefreshError('empty-source', 'the file makes no tables', {
      object: database,
      hint: 'it may hold rows alone (pg_dump --data-only), or be the dump of an empty database',
    });
  }
  const differing: string[] = [];
  for (const [name, wanted] of rows) {
    const [table] = await session.rows<{ kind: string; extension: boolean }>(tableQuery, [name]);
    if (!table)
      throw new RefreshError('copy-differs', 'the file has rows for it, and it makes no such table', {
        object: name,
      });
    const only = table.kind === 'p' ? '' : 'only ';
    const { count } = await session.row<{ count: string }>(`select count(*) as count from ${only}${name}`);
    // An extension has put rows of its own there.
    const right = table.extension ? Number(count) >= wanted : Number(count) === wanted;
    if (!right) differing.push(`${name}: ${count} rows are there, ${wanted} in the file`);
  }
  refuse('rows', differing);
  const verification: Verification = {
    method: 'counts',
    tables: counted.length,
    rows: [...rows.values()].reduce((sum, count) => sum + count, 0),
    sequences: (await readSequences(session)).length,
    constraints: (await readConstraints(session)).size,
    schemaEntries: 0,
  };
  run.log.info(
    `as the file says: ${count(verification.rows)} rows of COPY in ${rows.size} tables; every statement of it went through`,
  );
  const tables = counted.map(({ schema, name, bytes }): LoadedTable => {
    const loaded = rows.get(display({ schema, name })) ?? rows.get(`${schema}.${name}`) ?? 0;
    return { schema, name, treatment: 'copy', rows: loaded, bytes: Number(bytes), seconds: 0 };
  });
  return { verified: { database, verification } as Verified, tables };
}

interface CountedTable {
  readonly schema: string;
  readonly name: string;
  readonly bytes: string;
}

const tablesQuery = `
  select n.nspname::text as schema, c.relname::text as name, pg_catalog.pg_table_size(c.oid) as bytes
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'r' and c.relpersistence <> 't'
     and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
   order by pg_catalog.pg_table_size(c.oid) desc, 1, 2`;

const tableQuery = `
  select c.relkind::text as kind, exists (
           select from pg_catalog.pg_depend d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') as extension
    from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)`;
