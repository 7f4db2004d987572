/** What is made of a table's columns: by the server itself, so anew in staging and from masked values. */
export interface Derived {
  readonly table: number;
  /** As people say it: `materialized view public.totals`. */
  readonly object: string;
  readonly columns: readonly string[];
}

/** Indexes over expressions or conditions, materialized views and generated columns, with the columns that they read. */
export const derivedQuery = `
  select x.indrelid::int8::float8 as table,
         pg_catalog.pg_describe_object('pg_class'::regclass, x.indexrelid, 0) as object,
         array(select distinct a.attname::text from pg_catalog.pg_depend d
                 join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = d.refobjsubid
                where d.classid = 'pg_class'::regclass and d.objid = x.indexrelid
                  and d.refclassid = 'pg_class'::regclass and d.refobjid = x.indrelid) as columns
    from pg_catalog.pg_index x join pg_catalog.pg_class c on c.oid = x.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where (x.indexprs is not null or x.indpred is not null)
     and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
   union all
  select d.refobjid::int8::float8, pg_catalog.pg_describe_object('pg_class'::regclass, c.oid, 0),
         array_agg(distinct a.attname::text)
    from pg_catalog.pg_class c
    join pg_catalog.pg_rewrite r on r.ev_class = c.oid
    join pg_catalog.pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
         and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid and d.refobjsubid > 0
    join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
   where c.relkind = 'm'
   group by d.refobjid, c.oid
   union all
  select g.table, format('generated column %s of %s', g.name, g.table::int8::oid::regclass), g.columns
    from (select d.adrelid::int8::float8 as table, a.attname::text as name,
         array(select b.attname::text from pg_catalog.pg_depend p
                 join pg_catalog.pg_attribute b on b.attrelid = d.adrelid and b.attnum = p.refobjsubid
                where p.classid = 'pg_attrdef'::regclass and p.objid = d.oid and p.refobjid = d.adrelid
                  and p.refobjsubid > 0 and p.refobjsubid <> d.adnum) as columns
    from pg_catalog.pg_attrdef d
    join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.attgenerated <> '') as g`;
