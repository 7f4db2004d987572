import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';
import { type Column, columnQuery } from './column.ts';
import { type Derived, derivedQuery } from './derived.ts';

/** What a policy has to know of production beyond the catalog that every copy reads. */
export interface TableFacts {
  /** By table, then by name. */
  readonly columns: ReadonlyMap<number, ReadonlyMap<string, Column>>;
  readonly keys: readonly Key[];
  /** Columns that are unique together, by what makes them so. */
  readonly unique: readonly Unique[];
  readonly checks: readonly Check[];
  /** What the server itself makes of columns. */
  readonly derived: readonly Derived[];
  /** Tables whose rows are also another one's: partitions, and what inherits. */
  readonly heirs: readonly Heir[];
}

export interface Heir {
  readonly table: number;
  readonly parent: number;
}

/** A foreign key as one table sees it: a partition has those of the table that it is part of. */
export interface Key {
  readonly oid: number;
  readonly name: string;
  readonly table: number;
  readonly columns: readonly string[];
  readonly references: number;
  readonly key: readonly string[];
  /** Those of its columns that may be NULL: a row without a value there refers to nothing. */
  readonly nullable: readonly string[];
  /** `operator(schema.=)` for each pair. */
  readonly equals: readonly string[];
  readonly validated: boolean;
}

export interface ColumnSet {
  readonly table: number;
  readonly name: string;
  readonly columns: readonly string[];
}

export interface Unique extends ColumnSet {
  /** Rows that a partial index holds, and the columns which say so; null for all rows. */
  readonly condition: string | null;
  readonly conditionColumns: readonly string[];
  /** What is unique together, as SQL. */
  readonly entries: readonly string[];
}

export interface Check extends ColumnSet {
  /** The condition; its names are qualified, the columns’ are not. */
  readonly condition: string;
}

/** Reads it in the exporting transaction. */
export async function readTableFacts(session: Session): Promise<TableFacts> {
  // Sent at once: one round trip for all of them.
  const [columns, keys, unique, checks, derived, heirs] = await allDone([
    readColumns(session),
    session.rows<Key>(keyQuery),
    session.rows<Unique>(uniqueQuery),
    session.rows<Check>(checkQuery),
    session.rows<Derived>(derivedQuery),
    session.rows<Heir>(heirQuery),
  ]);
  return { columns, keys, unique, checks, derived, heirs };
}

/** What is enough to find columns that look like personal data. */
export async function readColumns(session: Session): Promise<TableFacts['columns']> {
  const columns = new Map<number, Map<string, Column>>();
  for (const column of await session.rows<Column>(columnQuery)) {
    const ofTable = columns.get(column.table) ?? new Map<string, Column>();
    columns.set(column.table, ofTable.set(column.name, column));
  }
  return columns;
}

const names = (table: string, numbers: string) =>
  `array(select a.attname::text from unnest(${numbers}) with ordinality as place(number, position)
          join pg_catalog.pg_attribute a on a.attrelid = ${table} and a.attnum = place.number order by position)`;

/** A key to a partitioned table has a child for each partition there, which says nothing new. */
const keyQuery = `
  select k.oid, k.conname as name, k.conrelid::int8::float8 as table, ${names('k.conrelid', 'k.conkey')} as columns,
         k.confrelid::int8::float8 as references, ${names('k.confrelid', 'k.confkey')} as key,
         array(select format('operator(%I.%s)', n.nspname, o.oprname)
                 from unnest(k.conpfeqop) with ordinality as op(oid, position)
                 join pg_catalog.pg_operator o on o.oid = op.oid join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
                order by position) as equals,
         array(select a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and not a.attnotnull) as nullable,
         k.convalidated as validated
    from pg_catalog.pg_constraint k left join pg_catalog.pg_constraint parent on parent.oid = k.conparentid
   where k.contype = 'f' and (k.conparentid = 0 or parent.conrelid <> k.conrelid)
   order by k.conrelid, k.conname`;

/** Columns of the index, of its expressions and of its condition. */
const uniqueQuery = `
  select x.indrelid::int8::float8 as table, c.relname::text as name,
         array(select distinct a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = x.indrelid and a.attnum > 0
                  and (a.attnum = any (x.indkey)
                       or exists (select from pg_catalog.pg_depend d
                                   where d.classid = 'pg_class'::regclass and d.objid = x.indexrelid
                                     and d.refclassid = 'pg_class'::regclass and d.refobjid = x.indrelid
                                     and d.refobjsubid = a.attnum))) as columns,
         case when x.indisunique then pg_catalog.pg_get_expr(x.indpred, x.indrelid) end as condition,
         array(select a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = x.indrelid and a.attnum > 0
                  and x.indpred::text ~ ('\\{VAR :varno 1 :varattno ' || a.attnum || ' ')) as "conditionColumns",
         array(select pg_catalog.pg_get_indexdef(x.indexrelid, place, false)
                 from generate_series(1, x.indnkeyatts) as place order by place) as entries
    from pg_catalog.pg_index x join pg_catalog.pg_class c on c.oid = x.indexrelid
   where x.indisunique or x.indisexclusion`;

const checkQuery = `
  select k.conrelid::int8::float8 as table, k.conname::text as name, ${names('k.conrelid', 'k.conkey')} as columns,
         pg_catalog.pg_get_expr(k.conbin, k.conrelid) as condition
    from pg_catalog.pg_constraint k
   where k.contype = 'c' and k.conrelid <> 0 and k.convalidated`;

const heirQuery = `
  select inhrelid::int8::float8 as table, inhparent::int8::float8 as parent from pg_catalog.pg_inherits
   order by inhrelid, inhseqno`;
