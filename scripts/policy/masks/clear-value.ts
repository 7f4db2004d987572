import { refuseClearValue } from '../../postgres/clear-value.ts';
import type { Column } from '../column.ts';
import type { Mask } from './mask.ts';

/** What a mask is given: a column's value, or a part of it, an array's element or what stands in a document. */
export interface Clear {
  /** SQL for it; it is not NULL. */
  readonly value: string;
  readonly column: Column;
  readonly part: boolean;
}

/**
 * A mask's SQL; of a mask that never gives what it got, SQL that fails where it does: then the statement that sends the
 * rows proves of each that it is masked, and nothing clear is sent. NULLIF and COALESCE name the mask once, so that its
 * hashes are made once; the comparison costs a twentieth of them.
 */
export function refusingClear(mask: Mask, sql: string, { value, column, part }: Clear): string {
  if (mask.equality !== 'never' || mask.name === 'null') return sql;
  const asText = part || column.array || !ownEquality.has(column.category);
  // The default collation is deterministic: byte by byte, whatever else the column's own takes for equal.
  const comparable = (some: string) => (asText ? `(${some})::text collate pg_catalog."default"` : some);
  const masked = comparable(part ? sql : `(${sql})::${column.type}`);
  const refused = refuseClearValue(column.name);
  return `coalesce(nullif(${masked}, ${moved(comparable(value), value, column)}), ${asText ? refused : `${refused}::${column.type}`})`;
}

/** Types whose equal values are the same ones: their texts would have to be made. */
const ownEquality: ReadonlySet<string> = new Set(['bytea', 'date', 'inet', 'time', 'uuid']);

/** However far infinity is moved, it stays. */
function moved(comparable: string, value: string, { category }: Column): string {
  const moves = category === 'date' || category === 'time';
  return moves ? `case when isfinite(${value}) then ${comparable} end` : comparable;
}
