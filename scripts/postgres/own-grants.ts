import { ofExtension, userSchema } from './catalog.ts';
import type { Session } from './session.ts';

/** A privilege that somebody has been granted in a database. */
export interface Grant {
  readonly role: string;
  /** What it is on, as GRANT names it, with the column; null for a default privilege. */
  readonly object: string | null;
  readonly statement: string;
}

/** A privilege that somebody has on all tables of a schema, or on all its sequences; on one alone it says nothing. */
interface WideGrant {
  readonly role: string;
  /** `table in SCHEMA` */
  readonly all: string;
  /** The statement, before and after the object's name. */
  readonly begins: string;
  readonly ends: string;
}

export interface Grants {
  readonly each: readonly Grant[];
  readonly wide: readonly WideGrant[];
}

/** All of a database but its owners' own. With an empty search_path, so that names mean the same in another one. */
export async function readGrants(session: Session): Promise<Grants> {
  const [each, wide] = await Promise.all([
    session.rows<Grant>(grantQuery),
    session.rows<WideGrant>(wideQuery),
  ]);
  return { each, wide };
}

/**
 * The statements that give them again: to roles that nothing in this database mentions, so that production has no say
 * about them, and on what there is here. What a role has on all tables of a schema it gets on new ones, too: GRANT … ON ALL
 * TABLES is what a role that reads everything is made with.
 */
export async function grantsHere(session: Session, { each, wide }: Grants): Promise<string[]> {
  if (each.length === 0) return [];
  const distinct = (names: readonly (string | null)[]) => [...new Set(names.filter((name) => name !== null))];
  const [roles, objects, members] = await Promise.all([
    session.rows<{ name: string }>(strangersQuery, [distinct(each.map(({ role }) => role))]),
    session.rows<{ name: string }>(standingQuery, [distinct(each.map(({ object }) => object))]),
    session.rows<Member>(memberQuery, [distinct(wide.map(({ all }) => all))]),
  ]);
  const [own, here] = [roles, objects].map((rows) => new Set(rows.map(({ name }) => name)));
  const one = each.filter(({ role, object }) => own?.has(role) && (object === null || here?.has(object)));
  const membersOf = Map.groupBy(members, ({ all }) => all);
  const all = wide
    .filter(({ role }) => own?.has(role))
    .flatMap(
      ({ all, begins, ends }) => membersOf.get(all)?.map(({ name }) => `${begins}${name}${ends}`) ?? [],
    );
  return [...new Set([...one.map(({ statement }) => statement), ...all])];
}

interface Member {
  readonly all: string;
  readonly name: string;
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

/** What an entry `d` of pg_default_acl is about, as ALTER DEFAULT PRIVILEGES names it. */
export const kindOfDefault = `case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'routines'
  when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end`;

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
                ${kindOfDefault}) || ${granted}
    from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a join pg_catalog.pg_roles r on r.oid = a.grantee
   where a.grantee <> d.defaclrole`;

/** Tables and sequences with whose they are; an extension's own are nobody's to grant. */
const membersQuery = `
  select m.*, format('%s in %I', m.kind, m.nspname) as whole, format('%s %I.%I', m.kind, m.nspname, m.relname) as name
    from (select case c.relkind when 'S' then 'sequence' else 'table' end as kind, n.nspname, c.relname, c.oid, c.relacl
            from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and ${userSchema}
             and not ${ofExtension('pg_class', 'c.oid')}) m`;

const wideQuery = `
  with member as (${membersQuery}),
       size as (select whole, count(*) as members from member group by whole)
  select r.rolname::text as role, m.whole as "all", format('grant %s on ', a.privilege_type) as begins,
         format(' to %I%s', r.rolname, case when bool_and(a.is_grantable) then ' with grant option' end) as ends
    from member m join size s on s.whole = m.whole, pg_catalog.aclexplode(m.relacl) a join pg_catalog.pg_roles r on r.oid = a.grantee
   where a.grantee <> a.grantor
     and s.members > 1
   group by r.rolname, m.whole, s.members, a.privilege_type
  having count(distinct m.oid) = s.members`;

const memberQuery = `select m.whole as "all", m.name from (${membersQuery}) m where m.whole = any ($1)`;

const strangersQuery = `
  select r.rolname::text as name from pg_catalog.pg_roles r
   where r.rolname = any ($1) and not exists (
     select from pg_catalog.pg_shdepend s
      where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid
        and s.dbid = (select oid from pg_catalog.pg_database where datname = current_database()))`;

const standingQuery = `select o.name || o.columns as name from (${objectQuery}) o where o.name || o.columns = any ($1)`;
