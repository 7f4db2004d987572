/** What a mask has to know of a column. */
export interface Column {
  readonly table: number;
  readonly name: string;
  /** What a masked value is cast to: format_type with its modifier; of a domain, the type that it is made of. */
  readonly type: string;
  /** The type that the column is declared with: a domain's own name. */
  readonly declared: string;
  readonly category: Category;
  /** A composite type's, by name; another table's rows may be one. */
  readonly attributes?: readonly string[];
  /** An enum's, in their order. */
  readonly labels?: readonly string[];
  /** Whether it is an array of values of that category. */
  readonly array: boolean;
  /** Most characters that char(n) and varchar(n) take; null for no limit. */
  readonly length: number | null;
  readonly notNull: boolean;
  readonly generated: boolean;
  readonly partitionKey: boolean;
  /** Whether it is a foreign key of its own. */
  readonly refers: boolean;
  /** Rows of the table as its statistics know them. */
  readonly rows: number;
}

export type Category =
  | 'text'
  | 'integer'
  | 'number'
  | 'date'
  | 'time'
  | 'uuid'
  | 'inet'
  | 'boolean'
  | 'bytea'
  | 'json'
  | 'document'
  | 'enum'
  | 'composite'
  | 'other';

/** Columns of ordinary and partitioned tables with what a mask depends on; domains count as what they are made of. */
export const columnQuery = `
  with recursive base (type, root, root_modifier) as (
    select oid, oid, -1 from pg_catalog.pg_type where typtype <> 'd'
    union all
    select t.oid, base.root, greatest(base.root_modifier, t.typtypmod)
      from pg_catalog.pg_type t join base on base.type = t.typbasetype where t.typtype = 'd'
  ),
  -- Asked once of each table: of each of its columns, it would be most of the time that thousands of partitions take.
  partitioning (relation, columns, expression) as materialized (
    select c.oid, array_agg(k.attname), bool_or(0 = any (p.partattrs))
      from pg_catalog.pg_class c
     cross join lateral pg_catalog.pg_partition_ancestors(c.oid) as ancestor
      join pg_catalog.pg_partitioned_table p on p.partrelid = ancestor.relid
      left join pg_catalog.pg_attribute k on k.attrelid = p.partrelid and k.attnum = any (p.partattrs)
     where c.relkind in ('r', 'p') and (c.relkind = 'p' or c.relispartition)
     group by c.oid
  )
  select a.attrelid::int8::float8 as table, a.attname::text as name,
         pg_catalog.format_type(r.oid, greatest(a.atttypmod, base.root_modifier)) as type,
         pg_catalog.format_type(a.atttypid, a.atttypmod) as declared,
         case when e.typtype = 'e' then 'enum' when e.typtype = 'c' then 'composite'
              when e.oid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype)
                or e.typname = 'citext' then 'text'
              when e.oid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) then 'integer'
              when e.oid in ('numeric'::regtype, 'float4'::regtype, 'float8'::regtype) then 'number'
              when e.oid = 'date'::regtype then 'date'
              when e.oid in ('timestamp'::regtype, 'timestamptz'::regtype) then 'time'
              when e.oid = 'uuid'::regtype then 'uuid'
              when e.oid in ('inet'::regtype, 'cidr'::regtype) then 'inet'
              when e.oid = 'bool'::regtype then 'boolean'
              when e.oid = 'bytea'::regtype then 'bytea'
              when e.oid in ('json'::regtype, 'jsonb'::regtype) then 'json'
              when e.oid = 'xml'::regtype or e.typname = 'hstore' then 'document'
              else 'other' end as category,
         array(select f.attname::text from pg_catalog.pg_attribute f
                where f.attrelid = e.typrelid and e.typrelid <> 0 and f.attnum > 0 and not f.attisdropped) as attributes,
         array(select l.enumlabel::text from pg_catalog.pg_enum l where l.enumtypid = e.oid order by l.enumsortorder) as labels,
         r.typelem <> 0 and r.typlen = -1 and r.typcategory = 'A' as array,
         case when e.oid in ('varchar'::regtype, 'bpchar'::regtype)
               and greatest(a.atttypmod, base.root_modifier, element.root_modifier) > 4
              then greatest(a.atttypmod, base.root_modifier, element.root_modifier) - 4 end as length,
         a.attnotnull or exists (select from pg_catalog.pg_type d where d.oid = a.atttypid and d.typnotnull) as "notNull",
         a.attgenerated <> '' as generated,
         coalesce(a.attname = any (partitioning.columns) or partitioning.expression, false) as "partitionKey",
         exists (select from pg_catalog.pg_constraint k
                  where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]) as refers,
         greatest(c.reltuples, 0)::float8 as rows
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and c.relpersistence <> 't'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join base on base.type = a.atttypid
    join pg_catalog.pg_type r on r.oid = base.root
    -- Of an array its elements', whose type may be a domain again.
    join base as element on element.type = case when r.typelem <> 0 and r.typcategory = 'A' then r.typelem else r.oid end
    join pg_catalog.pg_type e on e.oid = element.root
    left join partitioning on partitioning.relation = c.oid
   where a.attnum > 0 and not a.attisdropped
     and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
   order by a.attrelid, a.attnum`;
