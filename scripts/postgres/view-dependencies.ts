import type { Session } from './session.ts';

/** Materialized views with the relations that they read, through any number of views and of functions in standard SQL. */
export async function readViewDependencies(session: Session): Promise<{ oid: number; reads: number[] }[]> {
  return session.rows(viewDependencyQuery);
}

const viewDependencyQuery = `
  with recursive edge (class, object, on_class, on_object) as (
    select 'pg_class'::regclass::oid, r.ev_class, d.refclassid, d.refobjid
      from pg_catalog.pg_rewrite r
      join pg_catalog.pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
     where d.refobjid <> r.ev_class
    union
    select classid, objid, refclassid, refobjid from pg_catalog.pg_depend where classid = 'pg_proc'::regclass
  ), through as (
    select edge.object as view, on_class, on_object
      from edge join pg_catalog.pg_class c on c.oid = edge.object and c.relkind = 'm' and edge.class = 'pg_class'::regclass
    union
    select view, edge.on_class, edge.on_object
      from through join edge on edge.class = through.on_class and edge.object = through.on_object
  )
  select c.oid, array(select distinct on_object::int8::float8 from through where view = c.oid and on_class = 'pg_class'::regclass) as reads
    from pg_catalog.pg_class c where c.relkind = 'm'`;
