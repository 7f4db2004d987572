import type { PlannedTable } from '../../model/plan.ts';
import { display, qualified, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';
import type { Step } from './journal.ts';

/**
 * Statistics hold values: those of tables that were changed are made anew, and those of all that they, or tables that
 * were emptied or dropped, are partitions of or inherit from, which sample them too.
 */
export async function sampleAgain(
  session: Session,
  changed: readonly PlannedTable[],
  emptied: readonly PlannedTable[],
  dropped: readonly TableRef[],
): Promise<Step[]> {
  const tables = changed.map(({ table }) => ({
    schema: table.schema,
    name: table.name,
    weight: table.bytes,
  }));
  const touched = [...changed, ...emptied].map(({ table }) => table.oid);
  const above = await session.rows<TableRef & { weight: number }>(aboveQuery, [
    touched,
    JSON.stringify(dropped),
  ]);
  const subjects = new Map([...tables, ...above].map((table) => [display(table), table]));
  for (const table of dropped) subjects.delete(display(table));
  return [...subjects.values()].map((table) => ({
    name: `analyze ${display(table)}`,
    statements: [`analyze ${qualified(table)}`],
    weight: table.weight,
  }));
}

const aboveQuery = `
  with recursive above (oid, weight) as (
    select i.inhparent, pg_catalog.pg_table_size(i.inhrelid) from pg_catalog.pg_inherits i
     where i.inhrelid = any ($1::oid[])
        or exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                     join jsonb_to_recordset($2::jsonb) as gone(schema text, name text)
                       on gone.schema = n.nspname and gone.name = c.relname where c.oid = i.inhrelid)
     union
    select i.inhparent, above.weight from above join pg_catalog.pg_inherits i on i.inhrelid = above.oid
  )
  select n.nspname::text as schema, c.relname::text as name, sum(weight)::float8 as weight
    from above join pg_catalog.pg_class c on c.oid = above.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   group by c.oid, 1, 2`;

/** What was replaced in the catalogs of statistics lies there until they are rewritten, which a database's owner may do. */
export function forgetOldStatistics(): Step[] {
  return ['pg_catalog.pg_statistic', 'pg_catalog.pg_statistic_ext_data'].map((name) => ({
    name: `rewrite ${name}`,
    statements: [`vacuum (full) ${name}`],
    weight: 1,
    rewrites: name,
  }));
}
