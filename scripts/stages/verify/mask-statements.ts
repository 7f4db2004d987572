import type { Part, PlannedTable } from '../../model/plan.ts';
import { ident, literal, qualified } from '../../model/table.ts';

/** Clear and masked value side by side, for the rows that are copied and masked and have a value. */
export function inProduction(planned: PlannedTable, keys: readonly string[], part: Part): string {
  const { masked } = planned;
  const counted = masked.flatMap(({ column, when, mask, equality }, index) => {
    // However far infinity is moved, it stays.
    const moved = mask === 'shift-date' && equality === 'never';
    const finite = moved ? ` and isfinite(${ident(column)})` : '';
    const applies = `${ident(column)} is not null${finite}${when === null ? '' : ` and (${when}) is not false`}`;
    const same = `m${index}::text collate "C" = ${ident(column)}::text collate "C"`;
    return [
      `count(*) filter (where ${applies})::text as values${index}`,
      `count(*) filter (where ${applies} and ${same})::text as same${index}`,
    ];
  });
  const values = masked.map((_, index) => `m${index}`);
  return `select ${[...counted, `${sumOf(values, keys)} as sum`].join(', ')} from ${maskedRows(planned, part)}`;
}

/** What the same rows hold in staging. */
export function inStaging({ table, masked, whereInStaging }: PlannedTable, keys: readonly string[]): string {
  const odd = masked.flatMap(({ column, shape, when }, index) =>
    shape === null || when !== null
      ? []
      : [`count(*) filter (where ${ident(column)}::text !~ ${literal(shape)})::text as odd${index}`],
  );
  const values = masked.map(({ column }) => ident(column));
  const where = whereInStaging === null ? '' : ` where ${whereInStaging}`;
  return `select ${[...odd, `${sumOf(values, keys)} as sum`].join(', ')} from only ${qualified(table)}${where}`;
}

/** A sum for each masked column by itself, on both sides. */
export function columnSums(
  planned: PlannedTable,
  keys: readonly string[],
): { readonly production: string; readonly staging: string } {
  const { table, masked, whereInStaging } = planned;
  const sums = (value: (column: string, index: number) => string) =>
    masked.map(({ column }, index) => `${sumOf([value(column, index)], keys)} as sum${index}`).join(', ');
  const where = whereInStaging === null ? '' : ` where ${whereInStaging}`;
  return {
    production: `select ${sums((_, index) => `m${index}`)} from ${maskedRows(planned, { from: null, to: null, bytes: 0 })}`,
    staging: `select ${sums(ident)} from only ${qualified(table)}${where}`,
  };
}

/** The rows with their masked values as m0, m1 …; OFFSET keeps the planner from evaluating a mask for each of its uses. */
function maskedRows({ table, masked, masks, where }: PlannedTable, { from, to }: Part): string {
  const made = masked.map(({ column }, index) => `${masks.get(column)} as m${index}`);
  const conditions = [
    ...(from === null ? [] : [`ctid >= '(${from},0)'`]),
    ...(to === null ? [] : [`ctid < '(${to},0)'`]),
    ...(where === null ? [] : [`(${where})`]),
  ];
  const filter = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  return `(select *, ${made.join(', ')} from only ${qualified(table)}${filter} offset 0) as made`;
}

/**
 * A hash of each row's values, added up: order doesn't count, and neither do collations. The hash of the same bytes is
 * the same on every server; a difference may be missed once in 2^64, which is no danger for what nobody forges.
 */
function sumOf(values: readonly string[], keys: readonly string[]): string {
  const parts = [...keys.map(ident), ...values].map((value) => `coalesce(${value}::text, '\\N')`).join(', ');
  return `coalesce(sum(hashtextextended(concat_ws('|', ${parts}) collate "C", 0)), 0)::text`;
}
