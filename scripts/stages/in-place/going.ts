import { unquoted } from '../../model/table.ts';
import { commandWords, type OwnedObject, readOwners } from '../../postgres/identity.ts';
import type { Session } from '../../postgres/session.ts';
import type { Standing } from './standing.ts';

/** Something that is dropped before the copy is made; the owner is empty where only a superuser may drop it. */
export type Going = OwnedObject;

/** Everything that users have made, in an order in which it can be dropped; what belongs to an extension stays. */
export async function readGoing(session: Session, standing: Standing): Promise<Going[]> {
  const owned = await readOwners(session);
  const others = await session.rows<Going>(unownedQuery);
  // Nobody makes public again: a dump takes it to be there.
  const schema = ({ type, identity }: Going) =>
    type === 'schema' && (identity === 'public' || standing.schemas.has(unquoted(identity)));
  return [...others, ...owned]
    .filter((object) => !schema(object))
    .sort((a, b) => rank(a.type) - rank(b.type));
}

/** DROP statements: CASCADE, since nothing of what depends on these objects stays, and IF EXISTS for the same reason. */
export function dropStatements(going: readonly Going[]): string[] {
  const statements: string[] = [];
  const named = Map.groupBy(going, ({ type }) => type);
  for (const [type, objects] of named) {
    const kind = commandWords[type] ?? type;
    if (type === 'large object') {
      const oids = objects.map(({ identity }) => identity).join(',');
      statements.push(`select pg_catalog.lo_unlink(lo) from unnest('{${oids}}'::oid[]) as gone (lo)`);
    } else if (severalAtOnce.has(type)) {
      statements.push(`drop ${kind} if exists ${objects.map(({ identity }) => identity).join(', ')} cascade`);
    } else {
      for (const { identity } of objects) statements.push(`drop ${kind} if exists ${identity} cascade`);
    }
  }
  return statements;
}

/** Of one kind many fit into one statement, so that what they say about each other needs no order. */
const severalAtOnce = new Set(['table', 'view', 'materialized view', 'foreign table', 'sequence', 'type']);

/** Event triggers first, or they would watch the rest go; schemas last, when they are empty. */
const order = [
  'event trigger',
  'publication',
  'table',
  'view',
  'materialized view',
  'foreign table',
  'sequence',
  'statistics object',
  'function',
  'procedure',
  'aggregate',
];

function rank(type: string): number {
  if (type === 'schema') return order.length + 1;
  const position = order.indexOf(type);
  return position < 0 ? order.length : position;
}

/** What postgres/identity.ts has no ALTER … OWNER for, and what has no owner. */
const unownedQuery = `
  with object (catalog, oid, owner) as (
    select 'pg_event_trigger'::regclass, oid, evtowner from pg_catalog.pg_event_trigger
    union all
    select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner from pg_catalog.pg_foreign_data_wrapper
    union all
    select 'pg_language'::regclass, oid, lanowner from pg_catalog.pg_language
    union all
    select 'pg_am'::regclass, oid, null from pg_catalog.pg_am
    union all
    select 'pg_ts_parser'::regclass, oid, null from pg_catalog.pg_ts_parser
    union all
    select 'pg_ts_template'::regclass, oid, null from pg_catalog.pg_ts_template
    union all
    -- Between types of the system, which nothing that goes takes along; a superuser alone makes and drops them.
    select 'pg_cast'::regclass, oid, null from pg_catalog.pg_cast
     where castsource < 16384 and casttarget < 16384 and castfunc < 16384
       and (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
  )
  select o.type, o.identity, coalesce(pg_catalog.pg_get_userbyid(object.owner)::text, '') as owner
    from object, pg_catalog.pg_identify_object(object.catalog, object.oid, 0) as o
   where object.oid >= 16384
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = object.catalog and d.objid = object.oid and d.deptype = 'e')`;
