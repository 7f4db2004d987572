import { RefreshError } from '../../model/errors.ts';
import { ident } from '../../model/table.ts';
import { userSchema } from '../../postgres/catalog.ts';
import type { Session } from '../../postgres/session.ts';

const shownAtMost = 10;

/**
 * Proves that production's role can read everything. A table under row level security would silently give fewer rows,
 * and the count would agree; so that is refused, not tried.
 *
 * @throws RefreshError `unreadable-objects` with the GRANTs that repair it.
 */
export async function requireReadable(session: Session, user: string, largeObjects = true): Promise<void> {
  const unreadable = await session.rows<{ object: string; reason: string }>(unreadableQuery, [largeObjects]);
  if (unreadable.length === 0) return;
  const shown = unreadable.slice(0, shownAtMost).map(({ object, reason }) => `${object} (${reason})`);
  const more = unreadable.length > shownAtMost ? ` and ${unreadable.length - shownAtMost} more` : '';
  throw new RefreshError('unreadable-objects', `cannot read ${shown.join(', ')}${more}`, {
    object: `production role ${user}`,
    hint: `as an administrator of production: GRANT pg_read_all_data TO ${ident(user)}; and for row level security: ALTER ROLE ${ident(user)} BYPASSRLS; large objects: GRANT SELECT ON LARGE OBJECT … TO ${ident(user)};`,
  });
}

// CASE, since WHERE conditions are evaluated in any order and has_sequence_privilege() fails for what is no sequence.
/** Everything a plain role can't read: no privilege, no way into the schema, or row level security in the way. */
const unreadableQuery = `
  with mine as (
    select c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner, n.oid as schema,
           format('%I.%I', n.nspname, c.relname) as object
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'S', 'm') and c.relpersistence <> 't'
       and ${userSchema}
       and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_class'::regclass
                         and d.objid = c.oid and d.deptype = 'e'
                         and not exists (select from pg_catalog.pg_extension where c.oid = any (extconfig)))
  )
  select object, 'no USAGE on its schema' as reason from mine
   where not pg_catalog.has_schema_privilege(schema, 'USAGE')
  union all
  select object, 'no SELECT' from mine
   where not case relkind when 'S' then true else pg_catalog.has_table_privilege(oid, 'SELECT') end
  union all
  select object, 'no SELECT' from mine
   where not case relkind when 'S' then pg_catalog.has_sequence_privilege(oid, 'SELECT') else true end
  union all
  select object, 'row level security' from mine
   where relrowsecurity and relkind in ('r', 'p')
     and not (select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user)
     and (relforcerowsecurity or not pg_catalog.pg_has_role(relowner, 'USAGE'))
  union all
  select count(*) || ' large objects', 'no SELECT' from pg_catalog.pg_largeobject_metadata l
   where $1::boolean and not (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
     and not pg_catalog.pg_has_role(l.lomowner, 'USAGE')
     and not exists (select from pg_catalog.aclexplode(l.lomacl) a
                      where a.privilege_type = 'SELECT'
                        and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'USAGE')))
  having count(*) > 0
  order by 1`;
