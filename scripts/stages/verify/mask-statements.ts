import type { MaskedColumn, Part, PlannedTable } from '../../model/plan.ts';
import { ident, literal, qualified } from '../../model/table.ts';

/** Of a table that is sampled: so many of its blocks, far apart, and so many rows of each. */
const sampled = { blocks: 64, rows: 8 };

/** No name of a column that somebody has. */
const rowHash = ident('hash of a row by refresh');

/**
 * Of some rows, wherever in the table they lie: for each column whether one of its values is another one masked, and
 * the hashes of the masked rows. They are fetched by their places, so that masks are evaluated for them alone.
 */
export function sampleInProduction(planned: PlannedTable, keys: readonly string[]): string {
  const { table } = planned;
  const masked = withNames(planned);
  const differing = masked.map(
    (column, index) => `bool_or(${applies(column)} and not ${unchanged(column)}) as differs${index}`,
  );
  const hash = hashOf(
    masked.filter(isRepeatable).map(({ name }) => name),
    keys,
  );
  const count = Math.min(table.pages, sampled.blocks);
  const blocks = Array.from({ length: count }, (_, step) => Math.floor((step * table.pages) / count));
  const places = `array(select format('(%s,%s)', block, item)::tid
    from unnest('{${blocks.join(',')}}'::int8[]) as block, generate_series(1, ${sampled.rows}) as item)`;
  const rows = table.heap
    ? maskedRows(planned, [`ctid = any (${places})`])
    : `(select * from ${maskedRows(planned)} limit ${sampled.blocks * sampled.rows}) as made`;
  return `select ${[...differing, `array_agg(distinct ${hash})::text as hashes`].join(', ')} from ${rows}`;
}

/** How many values a column has that is masked, and how many come out as they went in. */
export function countInProduction(planned: PlannedTable): string {
  return `select ${counts(planned).join(', ')} from ${maskedRows(planned)}`;
}

/** Values that don't look like masked ones, and how many of some rows' hashes are there. */
export function lookInStaging(planned: PlannedTable, keys: readonly string[], hashes: string): string {
  const columns = planned.masked.map(({ column }) => ident(column));
  const hash = hashOf(
    planned.masked.filter(isRepeatable).map(({ column }) => ident(column)),
    keys,
  );
  const found = `count(distinct ${rowHash}) filter (where ${rowHash} = any (${literal(hashes)}::int8[]))`;
  return `select ${[...odd(planned), `${found}::text as found`].join(', ')}
    from (select ${columns.join(', ')}, ${hash} as ${rowHash} from ${stagingRows(planned)} offset 0) as here`;
}

/** Of rows that are masked in place: how many values come out as they went in, and the sum of their rows' hashes. */
export function beforeInPlace(planned: PlannedTable, keys: readonly string[], part: Part): string {
  const values = withNames(planned).map(({ name }) => name);
  return `select ${[...counts(planned), sumOf(values, keys)].join(', ')} from ${maskedRows(planned, range(part))}`;
}

/** What they are afterwards. */
export function afterInPlace(planned: PlannedTable, keys: readonly string[]): string {
  const values = planned.masked.map(({ column }) => ident(column));
  return `select ${[...odd(planned), sumOf(values, keys)].join(', ')} from ${stagingRows(planned)}`;
}

interface NamedMask extends MaskedColumn {
  /** The masked value's, beside all of the table's columns. */
  readonly name: string;
}

function withNames({ masked }: PlannedTable): NamedMask[] {
  return masked.map((column, index) => ({ ...column, name: ident(`masked ${index} by refresh`) }));
}

/** An expression of the policy's own may give another value each time. */
function isRepeatable({ mask }: MaskedColumn): boolean {
  return mask !== 'sql';
}

function counts(planned: PlannedTable): string[] {
  return withNames(planned).flatMap((column, index) => [
    `count(*) filter (where ${applies(column)})::text as values${index}`,
    `count(*) filter (where ${applies(column)} and ${unchanged(column)})::text as same${index}`,
  ]);
}

function odd({ masked }: PlannedTable): string[] {
  return masked.flatMap(({ column, shape, when }, index) =>
    shape === null || when !== null
      ? []
      : [`count(*) filter (where ${ident(column)}::text !~ ${literal(shape)})::text as odd${index}`],
  );
}

/** Whether the row has something there that its mask is about. */
function applies({ column, when, mask, array }: MaskedColumn): string {
  // However far infinity is moved, it stays.
  const finite = mask === 'shift-date' ? ' and isfinite(value)' : '';
  const values = array ? `unnest(${ident(column)})` : ident(column);
  const some =
    array || finite !== ''
      ? `exists (select from (select ${values}) as clear (value) where value is not null${finite})`
      : `${ident(column)} is not null`;
  return when === null ? some : `${some} and (${when}) is not false`;
}

function unchanged({ column, name }: NamedMask): string {
  return `${name}::text collate "C" is not distinct from ${ident(column)}::text collate "C"`;
}

/** The rows with their masked values beside them; OFFSET keeps the planner from evaluating a mask for each of its uses. */
function maskedRows(planned: PlannedTable, conditions: readonly string[] = []): string {
  const { table, masks, where } = planned;
  const made = withNames(planned).map(({ column, name }) => `${masks.get(column)} as ${name}`);
  const all = [...conditions, ...(where === null ? [] : [`(${where})`])];
  const filter = all.length === 0 ? '' : ` where ${all.join(' and ')}`;
  return `(select *, ${made.join(', ')} from only ${qualified(table)}${filter} offset 0) as made`;
}

function stagingRows({ table, whereInStaging }: PlannedTable): string {
  return `only ${qualified(table)}${whereInStaging === null ? '' : ` where ${whereInStaging}`}`;
}

function range({ from, to }: Part): string[] {
  return [
    ...(from === null ? [] : [`ctid >= '(${from},0)'`]),
    ...(to === null ? [] : [`ctid < '(${to},0)'`]),
  ];
}

/** Hashes added up: order doesn't count. */
function sumOf(values: readonly string[], keys: readonly string[]): string {
  return `coalesce(sum(${hashOf(values, keys)}), 0)::text as sum`;
}

/**
 * A hash of one row's masked values and of its key. The hash of the same bytes is the same on every server, and collations
 * don't count; a difference may be missed once in 2^64, which is no danger for what nobody forges.
 */
function hashOf(values: readonly string[], keys: readonly string[]): string {
  const parts = [...keys.map(ident), ...values].map((part) => `coalesce(${part}::text, '\\N')`);
  return `hashtextextended(concat_ws('|', ${["''", ...parts].join(', ')}) collate "C", 0)`;
}
