import { userSchema } from '../../postgres/catalog.ts';
import { isYoung } from '../../postgres/row-age.ts';
import type { Session } from '../../postgres/session.ts';

/**
 * Tells whether something that a snapshot shows is defined otherwise by now, or is gone. A snapshot holds rows still, those of
 * the catalogs too, but what PostgreSQL tells of them in words (pg_get_viewdef() and its like, a type's name, which
 * sequence a name means) is of now: pg_dump fails at a view that was dropped since, writes half a function of a schema that
 * was, and calls an index `…_ccold` that REINDEX CONCURRENTLY has replaced. Our locks keep tables still, and nothing else.
 *
 * @param taken as pg_current_snapshot() wrote it.
 * @param snapshot its session.
 * @param opening another session, in no transaction.
 * @returns asks again each time that it is called.
 */
export function movedSince(
  taken: string,
  snapshot: Session,
  opening: Promise<Session>,
): () => Promise<boolean> {
  const ask = (session: Session) => session.row<{ objects: string }>(stateQuery, [taken]);
  // At once: a statement that fails there because of a change ends the transaction, and nobody could ask it any more.
  const shown = ask(snapshot);
  shown.catch(() => undefined);
  return async () => (await shown).objects !== (await ask(await opening)).objects;
}

/**
 * What was there when the snapshot was taken, each by the version of its row: what is new since is not counted. Materialized
 * views and their indexes aren't either, since REFRESH makes new versions of their rows; their query is in pg_rewrite.
 */
const stateQuery = `
  with taken as (
    select pg_catalog.pg_snapshot_xmax($1::pg_snapshot)::xid as next,
           array(select x::xid from pg_catalog.pg_snapshot_xip($1::pg_snapshot) x) as under_way
  ), schema as (
    select n.oid, n.xmin as version from pg_catalog.pg_namespace n where ${userSchema}
  ), object (catalog, oid, version) as (
    select 'n', oid, version from schema
    union all
    select 'c', c.oid, c.xmin
      from pg_catalog.pg_class c left join pg_catalog.pg_index x on x.indexrelid = c.oid
      left join pg_catalog.pg_class t on t.oid = x.indrelid
     where c.relnamespace in (select oid from schema) and coalesce(t.relkind, c.relkind) <> 'm'
    union all
    select 'r', r.oid, r.xmin from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
     where c.relnamespace in (select oid from schema)
    union all
    select 'p', oid, xmin from pg_catalog.pg_proc where pronamespace in (select oid from schema)
    union all
    select 't', oid, xmin from pg_catalog.pg_type where typnamespace in (select oid from schema)
    union all
    select 'k', oid, xmin from pg_catalog.pg_constraint where connamespace in (select oid from schema)
    union all
    select 's', oid, xmin from pg_catalog.pg_statistic_ext where stxnamespace in (select oid from schema)
  )
  select count(*) || ' ' || coalesce(sum(pg_catalog.hashtextextended(concat_ws(' ', catalog, oid, version), 0)), 0) as objects
    from object, taken
   where not (${isYoung('next', 'version')}) and version <> all (under_way)`;
