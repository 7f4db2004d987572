import type { MaskedColumn, Plan, PlannedTable } from '../../model/plan.ts';

/** A column in which this many values came out as they went in is not masked, whatever its mask may give by chance. */
const fewestForChance = 20;
/** Masks for which a whole column may rightly come out as it went in: it may hold nothing else already. */
const mayChangeNothing = new Set(['sql', 'fixed', 'choice', 'truncate-date', 'json']);

/** What an expression or a path does is the policy's to decide; that it does nothing is worth a word. */
const worthAWord = new Set(['sql', 'json']);

export function isWorthAWord({ mask }: MaskedColumn): boolean {
  return worthAWord.has(mask);
}

/** What a statement has counted or added up, by name. */
export type Counted = Readonly<Record<string, string | null>>;

export type Total = (name: string) => bigint;

/** The parts' counts and sums, added up. */
export function total(parts: readonly Counted[]): Total {
  return (name) => parts.reduce((sum, part) => sum + BigInt(part[name] ?? '0'), 0n);
}

export interface Problem {
  readonly column: string | null;
  readonly message: string;
}

/** Whether something is to be said of the column where all of its values come out as they went in. */
export function saysSomethingOfAll(column: MaskedColumn): boolean {
  return column.equality === 'by-chance' && (!mayChangeNothing.has(column.mask) || isWorthAWord(column));
}

/** What speaks against a table's masks, by what was counted before and what stands there. */
export function judge({ masked }: PlannedTable, there: Total, here: Total): Problem | undefined {
  for (const [index, column] of masked.entries()) {
    const message = judgeColumn(column, index, there, here);
    if (message) return { column: column.column, message };
  }
  return undefined;
}

/** In words that a copy and a fork share. */
export const otherValues = 'staging holds other masked values than production made';

function judgeColumn(
  { equality, mask, shape }: MaskedColumn,
  index: number,
  there: Total,
  here: Total,
): string | undefined {
  const values = there(`values${index}`);
  const same = there(`same${index}`);
  if (equality === 'never' && same > 0n) return `${same} of ${values} values are the clear ones`;
  if (!mayChangeNothing.has(mask) && values >= fewestForChance && same === values)
    return `all ${values} values are the clear ones`;
  const odd = shape === null ? 0n : here(`odd${index}`);
  return odd > 0n ? `${odd} values in staging don’t look like masked ones` : undefined;
}

/** Columns of the primary key that are copied as they are: by them a row is the same on both sides. */
export function primaryKey(plan: Plan, { table, masks }: PlannedTable): readonly string[] {
  const constraint = plan.catalog.indexes.find(
    (index) => index.table === table.oid && index.constraint?.kind === 'p',
  );
  return (constraint?.constraint?.columns ?? []).filter((column) => !masks.has(column));
}
