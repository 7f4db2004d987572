import { ident } from '../model/table.ts';
import type { Session } from './session.ts';

/** One column as a checksum has to treat it. */
export interface HashedColumn {
  readonly name: string;
  /** format_type() with the modifier: what a masked value is cast to. */
  readonly declared: string;
  /** Name of a type of PostgreSQL's own that is neither domain nor array; null for all others. */
  readonly type: string | null;
}

/** Settings under which the same value has the same text on both sides, beyond those of every session. */
export const checksumSettings = { search_path: '', timezone: 'UTC', quote_all_identifiers: 'off' } as const;

/** Columns of every table and partitioned table, by the table's oid, in one statement. */
export async function readHashedColumns(
  session: Session,
): Promise<ReadonlyMap<number, ReadonlyMap<string, HashedColumn>>> {
  const tables = new Map<number, Map<string, HashedColumn>>();
  for (const column of await session.rows<HashedColumn & { table: number }>(columnQuery)) {
    const table = tables.get(column.table) ?? new Map<string, HashedColumn>();
    tables.set(column.table, table.set(column.name, column));
  }
  return tables;
}

/**
 * SQL for a sum over the hashes of all rows, whatever their order; null where there is no column to hash. Two tables with the
 * same number of rows have the same sum if each row is there as often, and as good as never otherwise.
 *
 * @param masks expressions that stand for columns on this side.
 */
export function checksumOf(columns: readonly HashedColumn[], masks: ReadonlyMap<string, string>): string {
  if (columns.length === 0) return 'null::text';
  const values = columns.map((column) => {
    const mask = masks.get(column.name);
    // As COPY does it: the expression's text, read as a value of the column's type.
    const value = mask === undefined ? ident(column.name) : `(${mask})::text::${column.declared}`;
    return hashable(column, value);
  });
  // A row's hash is 31 times what came before plus the next value's (record_hash_extended in rowtypes.c): added up as it
  // is, it would tell no more than each column's own sum, so it is hashed once more.
  const row = `pg_catalog.hash_record_extended(row(${values.join(', ')}), 0)`;
  return `pg_catalog.sum(pg_catalog.hashint8extended(${row}, 0))::text`;
}

/**
 * What goes into the row's hash in place of a value, so that two values that differ in anything give another hash, and
 * equal ones the same on every server. The type's own hash is not always that: to it 1.0 and 1.00 are the same number, a
 * month is thirty days, -0 is 0, an array's bounds are nothing, and an enum's label is an oid. Types that are not listed
 * go as the text of their output function; a cast to text may be a user's own, so format() asks for it.
 */
function hashable({ type }: HashedColumn, value: string): string {
  if (type !== null && exactHash.has(type)) return value;
  // Under a nondeterministic collation other strings have the same hash.
  if (type === 'text' || type === 'varchar') return `(${value})::text collate "C"`;
  if (type !== null && exactBytes.has(type)) return `pg_catalog.${type}send(${value})`;
  if (type === 'numeric' || type === 'interval') return `pg_catalog.${type}_send(${value})`;
  // IS DISTINCT FROM NULL, since a composite value of nulls IS NULL, too.
  return `case when ${value} is distinct from null then pg_catalog.format('%s', ${value}) end`;
}

/** Types whose hash tells any two values apart, as far as 64 bits can. */
const exactHash: ReadonlySet<string> = new Set([
  'bool',
  'int2',
  'int4',
  'int8',
  'bytea',
  'uuid',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'macaddr',
]);

/** Types whose binary form does. */
const exactBytes: ReadonlySet<string> = new Set(['float4', 'float8']);

const columnQuery = `
  select a.attrelid::int8::float8 as table, a.attname::text as name,
         pg_catalog.format_type(a.atttypid, a.atttypmod) as declared,
         case when t.typtype = 'b' and t.typnamespace = 'pg_catalog'::regnamespace and t.typcategory <> 'A'
              then t.typname::text end as type
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    join pg_catalog.pg_type t on t.oid = a.atttypid
   where a.attnum > 0 and not a.attisdropped and c.relpersistence <> 't'
     and c.relnamespace not in (select oid from pg_catalog.pg_namespace
                                 where nspname in ('pg_catalog', 'information_schema', 'pg_toast'))`;
