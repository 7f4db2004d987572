import { userSchema } from './catalog.ts';
import type { Session } from './session.ts';

/** A privilege that somebody has been granted in a database. */
export interface Grant {
  readonly role: string;
  /** What it is on, as GRANT names it, with the column; null for a default privilege. */
  readonly object: string | null;
  readonly statement: string;
}

/** All of a database but its owners' own. With an empty search_path, so that names mean the same in another one. */
export function readGrants(session: Session): Promise<Grant[]> {
  return session.rows<Grant>(grantQuery);
}

/**
 * The statements that give them again: to roles that nothing in this database mentions, so that production has no say
 * about them, and on what there is here.
 */
export async function grantsHere(session: Session, grants: readonly Grant[]): Promise<string[]> {
  if (grants.length === 0) return [];
  const [roles, objects] = await Promise.all([
    session.rows<{ name: string }>(strangersQuery, [[...new Set(grants.map(({ role }) => role))]]),
    session.rows<{ name: string }>(standingQuery, [
      [...new Set(grants.flatMap(({ object }) => object ?? []))],
    ]),
  ]);
  const [own, here] = [roles, objects].map((rows) => new Set(rows.map(({ name }) => name)));
  return grants.flatMap(({ role, object, statement }) =>
    own?.has(role) && (object === null || here?.has(object)) ? statement : [],
  );
}

const objectQuery = `
  select case c.relkind when 'S' then 'sequence' else 'table' end || format(' %I.%I', n.nspname, c.relname) as name,
         '' as columns, c.relacl as acl
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${userSchema}
  union all
  select format('table %I.%I', n.nspname, c.relname), format(' (%I)', a.attname), a.attacl
    from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where a.attnum > 0 and not a.attisdropped and ${userSchema}
  union all
  select format('schema %I', n.nspname), '', n.nspacl from pg_catalog.pg_namespace n where ${userSchema}
  union all
  select format('routine %I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)), '', p.proacl
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where ${userSchema}
  union all
  select format('type %I.%I', n.nspname, t.typname), '', t.typacl
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where ${userSchema}`;

const granted = `format(' to %I%s', r.rolname, case when a.is_grantable then ' with grant option' end)`;

const grantQuery = `
  select r.rolname::text as role, o.name || o.columns as object,
         format('grant %s%s on %s', a.privilege_type, o.columns, o.name) || ${granted} as statement
    from (${objectQuery}) o, pg_catalog.aclexplode(o.acl) a join pg_catalog.pg_roles r on r.oid = a.grantee
   where a.grantee <> a.grantor
  union all
  select r.rolname::text, null,
         format('alter default privileges for role %I%s grant %s on %s', pg_catalog.pg_get_userbyid(d.defaclrole),
                (select format(' in schema %I', nspname) from pg_catalog.pg_namespace where oid = d.defaclnamespace), a.privilege_type,
                case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                     when 'T' then 'types' else 'schemas' end) || ${granted}
    from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a join pg_catalog.pg_roles r on r.oid = a.grantee
   where a.grantee <> d.defaclrole`;

const strangersQuery = `
  select r.rolname::text as name from pg_catalog.pg_roles r
   where r.rolname = any ($1) and not exists (
     select from pg_catalog.pg_shdepend s
      where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid
        and s.dbid = (select oid from pg_catalog.pg_database where datname = current_database()))`;

const standingQuery = `select o.name || o.columns as name from (${objectQuery}) o where o.name || o.columns = any ($1)`;
