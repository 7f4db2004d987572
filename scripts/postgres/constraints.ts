import { ofExtension, userSchema } from './catalog.ts';
import type { Session } from './session.ts';

/**
 * SQL for a constraint's name here: `NAME of TABLE`. A partition's share of a foreign key is named by the server, which
 * counts up where a name is taken, so there its columns and tables are its name.
 *
 * @param k alias of pg_constraint.
 */
export const constraintName = (k: string) => `
  case when ${k}.contype = 'f' and ${k}.conparentid <> 0 then
         format('foreign key (%s) of %s to %s',
                array_to_string(array(select a.attname from unnest(${k}.conkey) with ordinality as place(number, position)
                                        join pg_catalog.pg_attribute a on a.attrelid = ${k}.conrelid and a.attnum = place.number
                                       order by position), ', '),
                ${k}.conrelid::regclass, ${k}.confrelid::regclass)
       else format('%s of %s', ${k}.conname, case when ${k}.conrelid <> 0 then ${k}.conrelid::regclass::text
                                                  else ${k}.contypid::regtype::text end) end`;

const constraintQuery = (what: string, condition: string) => `
  select ${constraintName('k')} as name, ${what}
    from pg_catalog.pg_constraint k join pg_catalog.pg_namespace n on n.oid = k.connamespace
   where ${condition} and ${userSchema}
     and not ${ofExtension('pg_class', 'k.conrelid')} and not ${ofExtension('pg_type', 'k.contypid')}
   group by 1`;

/** Every constraint, as constraintName names it, and whether it is validated. The session's search_path must be empty. */
export async function readConstraints(session: Session): Promise<Map<string, boolean>> {
  const rows = await session.rows<{ name: string; validated: boolean }>(
    constraintQuery('bool_and(k.convalidated) as validated', `k.contype in ('c', 'f', 'p', 'u', 'x')`),
  );
  return new Map(rows.map((row) => [row.name, row.validated]));
}

/** Of partitions' shares of foreign keys: what the catalog calls each; several keys may have the same columns and tables. */
export async function readConstraintNames(session: Session): Promise<Map<string, readonly string[]>> {
  const rows = await session.rows<{ name: string; called: readonly string[] }>(
    constraintQuery(
      'array_agg(k.conname::text order by k.conname) as called',
      `k.contype = 'f' and k.conparentid <> 0`,
    ),
  );
  return new Map(rows.map((row) => [row.name, row.called]));
}
