import type { Table } from '../model/catalog.ts';
import { ident, literal, qualified } from '../model/table.ts';
import type { Session } from '../postgres/session.ts';
import type { Column } from './column.ts';
import type { Finding } from './findings.ts';

/** What a column's values look like, as far as it was asked: by table's oid, then by column. */
export type Shapes = ReadonlyMap<number, ReadonlyMap<string, Finding>>;

interface Shape {
  readonly looksLike: string;
  readonly mask: string;
  /** Regular expression (PostgreSQL's) that such values match. */
  readonly expression: string;
}

const shapes: readonly Shape[] = [
  { looksLike: 'e-mail address', mask: 'email', expression: String.raw`^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$` },
  {
    looksLike: 'bank account',
    mask: '{ partial: { keep-start: 4 } }',
    expression: '^[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9 ]{7,30}$',
  },
  { looksLike: 'card number', mask: 'card', expression: '^[3-6][0-9]{3}([ -]?[0-9]{4}){3}$' },
  { looksLike: 'phone number', mask: 'phone', expression: String.raw`^(\+|00)[1-9][0-9 ()/.-]{6,17}[0-9]$` },
  { looksLike: 'network address', mask: 'ip', expression: String.raw`^([0-9]{1,3}\.){3}[0-9]{1,3}$` },
];

/** Fewest values that say something, and the share of them that has to look like it. */
const fewestValues = 5;
const shareNeeded = 0.8;

/**
 * What the values of text columns look like, by production's own statistics (pg_stats). The server compares them, and
 * answers with shares: no value of a row is sent.
 */
export async function readStatisticsShapes(session: Session): Promise<Shapes> {
  const rows = await session.rows<Counted>(
    `select c.oid::int8::float8 as table, s.attname::text as column, counted.*
       from pg_catalog.pg_stats s
       join pg_catalog.pg_namespace n on n.nspname = s.schemaname
       join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.attname
       join pg_catalog.pg_type t on t.oid = a.atttypid and t.typcategory = 'S'
      cross join lateral (
        select count(*)::int as values, ${shareColumns('value')}
          from unnest(coalesce(s.most_common_vals::text::text[], '{}') || coalesce(s.histogram_bounds::text::text[], '{}')) as value
      ) as counted
      where n.nspname not in ('pg_catalog', 'information_schema')`,
  );
  return toShapes(rows, 'by statistics');
}

/** The same by some rows of each table, for those whose statistics say nothing. */
export async function sampleShapes(
  session: Session,
  tables: readonly Table[],
  columnsOf: (table: Table) => Iterable<Column>,
  rows: number,
): Promise<Shapes> {
  const counted: Counted[] = [];
  for (const table of tables) {
    for (const column of columnsOf(table)) {
      if (column.category !== 'text' || column.array) continue;
      const [found] = await session.rows<Omit<Counted, 'table' | 'column'>>(
        `select count(*)::int as values, ${shareColumns('value')}
           from (select ${ident(column.name)}::text as value from ${qualified(table)}
                  where ${ident(column.name)} is not null limit ${rows}) as sample`,
      );
      if (found) counted.push({ ...found, table: table.oid, column: column.name });
    }
  }
  return toShapes(counted, 'by a sample');
}

/** How many values were looked at, and how many of them look like each shape. */
export interface Shares {
  readonly values: number;
  readonly [share: `s${number}`]: number;
}

interface Counted extends Shares {
  readonly table: number;
  readonly column: string;
}

/** The columns of `Shares`, as SQL over an expression that gives a text. */
export function shareColumns(value: string): string {
  return shapes
    .map(
      ({ expression }, index) =>
        `(count(*) filter (where ${value} ~ ${literal(expression)}))::int as s${index}`,
    )
    .join(', ');
}

/** The shape that enough of the values have. */
export function likelyShape(
  shares: Shares,
): { readonly looksLike: string; readonly mask: string; readonly percent: number } | undefined {
  if (shares.values < fewestValues) return undefined;
  const index = shapes.findIndex((_, at) => (shares[`s${at}`] ?? 0) >= shares.values * shareNeeded);
  const shape = shapes[index];
  if (!shape) return undefined;
  const { looksLike, mask } = shape;
  return { looksLike, mask, percent: Math.round((100 * (shares[`s${index}`] ?? 0)) / shares.values) };
}

function toShapes(counted: readonly Counted[], source: string): Shapes {
  const found = new Map<number, Map<string, Finding>>();
  for (const row of counted) {
    const shape = likelyShape(row);
    if (!shape) continue;
    const ofTable = found.get(row.table) ?? new Map<string, Finding>();
    ofTable.set(row.column, {
      column: row.column,
      looksLike: `${shape.looksLike}, ${source} (${shape.percent} %)`,
      mask: shape.mask,
    });
    found.set(row.table, ofTable);
  }
  return found;
}
