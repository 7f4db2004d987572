import type { Session } from './session.ts';

/** Something in this database that needs the extension; undefined where nothing does. */
export async function findDependent(session: Session, extension: string): Promise<string | undefined> {
  const [dependent] = await session.rows<{ object: string }>(dependentQuery, [extension]);
  return dependent?.object;
}

/** What depends on an extension's members without being one itself, or a part of one, such as a column's default. */
const dependentQuery = `
  with member as (
  select d.classid, d.objid from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
  where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and e.extname = $1
  )
  select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) as object
  from pg_catalog.pg_depend d join member on d.refclassid = member.classid and d.refobjid = member.objid
  where d.deptype = 'n' and (d.classid, d.objid) not in (select classid, objid from member)
  and not exists (select from pg_catalog.pg_depend own
  join member part on own.refclassid = part.classid and own.refobjid = part.objid
  where own.classid = d.classid and own.objid = d.objid and own.deptype in ('a', 'i'))
  limit 1`;
