import { parse } from 'yaml';
import type { Column } from './column.ts';
import type { Finding } from './findings.ts';
import { collision } from './masking.ts';
import { type MaskSpec, maskOf, refusal, toRule } from './masks.ts';
import type { TableFacts, Unique } from './table-facts.ts';

/** What doesn't fit the column, or would break a unique index, becomes a hash or the like; undefined where nothing fits. */
export function fittingMask(
  { column, mask }: Pick<Finding, 'column' | 'mask'>,
  columns: ReadonlyMap<string, Column>,
  facts: TableFacts,
): string | undefined {
  const known = columns.get(column);
  if (!known) return undefined;
  // Those that say nothing yet, '' or the like, are often many, and kept out of the index by its condition alone.
  const keptOut = facts.unique.some(
    (index) => index.table === known.table && index.conditionColumns.includes(column) && asksForMore(index),
  );
  const candidates =
    mask === 'hash' && keptOut && !known.notNull
      ? ['null']
      : [mask, 'hash', 'uuid', '{ ip: { version: 6 } }', 'null'];
  return candidates.find((candidate) => {
    const rule = toRule(parse(candidate) as MaskSpec);
    const { success } = maskOf(rule).options.safeParse(rule.options);
    return success && !refusal(rule, known) && !collision(rule, known, facts.unique);
  });
}

/** Whether a condition asks for more than that there is a value: a mask keeps that. */
function asksForMore({ condition }: Unique): boolean {
  return condition !== null && !/^\("?[^"()]+"? IS NOT NULL\)$/.test(condition);
}
