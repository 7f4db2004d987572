import { userSchema } from './catalog.ts';
import type { Session } from './session.ts';

/** Columns of each table that inherits from another, in their order. */
export async function readColumnOrder(session: Session): Promise<Map<string, string>> {
  const rows = await session.rows<{ name: string; columns: string }>(columnOrderQuery);
  return new Map(rows.map((row) => [row.name, row.columns]));
}

const columnOrderQuery = `
  select format('%I.%I', n.nspname, c.relname) as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   where not c.relispartition and exists (select from pg_catalog.pg_inherits where inhrelid = c.oid)
     and c.relkind in ('r', 'f') and ${userSchema}
   group by 1`;
