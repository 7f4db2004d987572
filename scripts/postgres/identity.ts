import { allDone } from '../system/all-done.ts';
import { type LargeObjectNotes, readLargeObjectNotes } from './large-objects.ts';
import type { Session } from './session.ts';
import { shareWords } from './shared-words.ts';

/** An object as pg_identify_object() names it, the same on both servers, and who owns it. */
export interface OwnedObject {
  /** `table`, `function`, `operator class` … */
  readonly type: string;
  /** Schema-qualified, quoted where needed, ready for ALTER. */
  readonly identity: string;
  readonly owner: string;
}

/**
 * Everything with an owner that users have made in the session's database, and the schema public: not the system's, not
 * an extension's, and without what follows something else by itself (owned sequences, row types, array types, a range's constructors).
 */
export async function readOwners(session: Session): Promise<OwnedObject[]> {
  const owned = await session.rows<OwnedObject>(ownedQuery);
  shareWords(owned);
  return owned;
}

/** Who owns what, and what is said and granted about large objects. */
export interface OwnershipFacts {
  readonly owners: readonly OwnedObject[];
  readonly largeObjects: LargeObjectNotes;
}

export async function readOwnership(session: Session): Promise<OwnershipFacts> {
  const [owners, largeObjects] = await allDone([readOwners(session), readLargeObjectNotes(session)]);
  return { owners, largeObjects };
}

/** ALTER … OWNER TO in the words of the SQL command for a type that pg_identify_object() gives. */
export function alterOwner(object: OwnedObject, quotedOwner: string): string {
  const kind = commandWords[object.type] ?? object.type;
  return `alter ${kind} ${object.identity} owner to ${quotedOwner}`;
}

/** In the words of SQL's command, where pg_identify_object() has others. */
export const commandWords: Readonly<Record<string, string>> = {
  function: 'routine',
  procedure: 'routine',
  aggregate: 'routine',
  'statistics object': 'statistics',
  'foreign-data wrapper': 'foreign data wrapper',
};

/** Oids below this one belong to initdb (FirstNormalObjectId in access/transam.h). */
const firstUserOid = 16384;

const ownedQuery = `
  with owned (catalog, oid, owner) as (
    select 'pg_namespace'::regclass, oid, nspowner from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
    union all
    select 'pg_class'::regclass, c.oid, c.relowner from pg_catalog.pg_class c
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't'
       and not (c.relkind = 'S' and exists (
             select from pg_catalog.pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')))
    union all
    select 'pg_proc'::regclass, oid, proowner from pg_catalog.pg_proc
    union all
    select 'pg_type'::regclass, t.oid, t.typowner from pg_catalog.pg_type t
     where (t.typtype in ('b', 'd', 'e', 'r', 'c') or not t.typisdefined)
       and (t.typrelid = 0 or exists (select from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
       and not exists (select from pg_catalog.pg_type element where element.typarray = t.oid)
    union all
    select 'pg_operator'::regclass, oid, oprowner from pg_catalog.pg_operator
    union all
    select 'pg_opclass'::regclass, oid, opcowner from pg_catalog.pg_opclass
    union all
    select 'pg_opfamily'::regclass, oid, opfowner from pg_catalog.pg_opfamily
    union all
    select 'pg_collation'::regclass, oid, collowner from pg_catalog.pg_collation
    union all
    select 'pg_conversion'::regclass, oid, conowner from pg_catalog.pg_conversion
    union all
    select 'pg_ts_dict'::regclass, oid, dictowner from pg_catalog.pg_ts_dict
    union all
    select 'pg_ts_config'::regclass, oid, cfgowner from pg_catalog.pg_ts_config
    union all
    select 'pg_statistic_ext'::regclass, oid, stxowner from pg_catalog.pg_statistic_ext
    union all
    select 'pg_language'::regclass, oid, lanowner from pg_catalog.pg_language
    union all
    select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner from pg_catalog.pg_foreign_data_wrapper
    union all
    select 'pg_event_trigger'::regclass, oid, evtowner from pg_catalog.pg_event_trigger
    union all
    select 'pg_foreign_server'::regclass, oid, srvowner from pg_catalog.pg_foreign_server
    union all
    select 'pg_publication'::regclass, oid, pubowner from pg_catalog.pg_publication
    union all
    select 'pg_largeobject'::regclass, oid, lomowner from pg_catalog.pg_largeobject_metadata
  )
  select o.type, o.identity, pg_catalog.pg_get_userbyid(owned.owner)::text as owner
    from owned, pg_catalog.pg_identify_object(owned.catalog, owned.oid, 0) as o
   where (owned.oid >= ${firstUserOid} or owned.catalog in ('pg_largeobject'::regclass, 'pg_namespace'::regclass))
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = owned.catalog and d.objid = owned.oid and (d.deptype = 'e' or d.deptype = 'i' and d.classid = 'pg_proc'::regclass))`;
