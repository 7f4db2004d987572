import { ident, literal } from '../../model/table.ts';
import { ofExtension, userSchema } from '../../postgres/catalog.ts';
import { kindOfDefault } from '../../postgres/own-grants.ts';
import type { Session } from '../../postgres/session.ts';
import { standsQuery } from './standing.ts';

/** Statements that give the schemas that stay the privileges and the comment that a new database's have. */
export async function schemasReset(session: Session): Promise<string[]> {
  const comments = await session.rows<{ name: string; comment: string | null }>(
    `select n.nspname::text as name,
  case n.nspname when 'public' then 'standard public schema' end as comment
  from pg_catalog.pg_namespace n
  where ${standsQuery} and ${userSchema} and ${notOfExtension}
  and pg_catalog.obj_description(n.oid, 'pg_namespace')
  is distinct from case n.nspname when 'public' then 'standard public schema' end`,
  );
  const grants = await session.rows<Grant & { name: string; wanted: boolean }>(schemaGrantsQuery);
  return [
    ...comments.map(
      ({ name, comment }) =>
        `comment on schema ${ident(name)} is ${comment === null ? 'null' : literal(comment)}`,
    ),
    ...grants.map(({ name, wanted, ...grant }) =>
      wanted
        ? `grant ${grant.privilege} on schema ${ident(name)} to ${roleOf(grant)}`
        : `revoke ${grant.privilege} on schema ${ident(name)} from ${roleOf(grant)} cascade`,
    ),
  ];
}

/** Statements after which ALTER DEFAULT PRIVILEGES has never been said here. */
export async function defaultPrivilegesReset(session: Session): Promise<string[]> {
  const entries = await session.rows<DefaultEntry>(defaultPrivilegesQuery);
  return entries.map(({ owner, schema, kind, wanted, ...grant }) => {
    const within = schema === null ? '' : ` in schema ${ident(schema)}`;
    const words = `alter default privileges for role ${ident(owner)}${within}`;
    return wanted
      ? `${words} grant ${grant.privilege} on ${kind} to ${roleOf(grant)}`
      : `${words} revoke ${grant.privilege} on ${kind} from ${roleOf(grant)} cascade`;
  });
}

interface Grant {
  /** null for PUBLIC. */
  readonly grantee: string | null;
  readonly privilege: string;
}

interface DefaultEntry extends Grant {
  readonly owner: string;
  readonly schema: string | null;
  /** TABLES, SEQUENCES … */
  readonly kind: string;
  /** To be granted again, since PostgreSQL grants it without being asked; else to be revoked. */
  readonly wanted: boolean;
}

function roleOf({ grantee }: Grant): string {
  return grantee === null ? 'public' : ident(grantee);
}

const grantee = `case a.grantee when 0 then null else pg_catalog.pg_get_userbyid(a.grantee)::text end`;
const notOfExtension = `not ${ofExtension('pg_namespace', 'n.oid')}`;

/** initdb's privileges of public, which its first owner's are not: they go to the next; else those of a new schema. */
const schemaGrantsQuery = `
  with standing as (
  select n.nspname::text as name, n.nspowner as owner,
  coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) as now,
  coalesce((select i.initprivs from pg_catalog.pg_init_privs i
  where i.classoid = 'pg_namespace'::regclass and i.objoid = n.oid),
  pg_catalog.acldefault('n', n.nspowner)) as first
  from pg_catalog.pg_namespace n where ${standsQuery} and ${userSchema} and ${notOfExtension}
  ), entries as (
  select name, a.grantee, a.privilege_type as privilege, false as wanted, owner
  from standing, pg_catalog.aclexplode(now) a
  union all
  select name, a.grantee, a.privilege_type, true, owner from standing, pg_catalog.aclexplode(first) a
  where a.grantee <> a.grantor
  )
  select name, ${grantee} as grantee, privilege, bool_or(wanted) as wanted
  from entries a where grantee <> owner
  group by name, grantee, privilege having count(*) = 1
  order by name, wanted, grantee`;

/** What differs between each entry and what it stands in for; within a schema that is nothing (manual, pg_default_acl). */
const defaultPrivilegesQuery = `
  with changed as (
  select pg_catalog.pg_get_userbyid(d.defaclrole)::text as owner, n.nspname::text as schema,
  ${kindOfDefault} as kind,
  d.defaclacl as now,
  case when d.defaclnamespace = 0
  then pg_catalog.acldefault(case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end, d.defaclrole) end as first
  from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
  ), entries as (
  select owner, schema, kind, a.grantee, a.privilege_type as privilege, false as wanted
  from changed, pg_catalog.aclexplode(now) a
  union all
  select owner, schema, kind, a.grantee, a.privilege_type, true from changed, pg_catalog.aclexplode(first) a
  )
  select owner, schema, kind, ${grantee} as grantee, privilege, bool_or(wanted) as wanted
  from entries a group by owner, schema, kind, grantee, privilege having count(*) = 1
  order by owner, schema, kind, wanted`;
