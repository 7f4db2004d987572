import type { PreservedTable } from '../model/plan.ts';
import { ident, qualified, type TableRef } from '../model/table.ts';
import { userSchema } from './catalog.ts';
import type { CopyInto } from './row-source.ts';

/** Staging's own rows, which outlive a refresh: in the live database, or set aside while that is made anew. */
export interface OwnRows {
  /** Database whose users may change the rows while they are carried; null where nobody can. */
  readonly live: string | null;
  /** Columns that COPY carries; none where staging has no such table. */
  columnsOf(table: TableRef): Promise<readonly string[]>;
  /** Whether staging has no table at all. */
  isEmpty(): Promise<boolean>;
  /** Feeds the rows of one table to the target's COPY; returns how many it took. */
  feed(table: PreservedTable, columns: readonly string[], into: Omit<CopyInto, 'onBytes'>): Promise<number>;
}

/** The rows of one table in COPY's text format. */
export function ownRowsOut({ table, rows }: PreservedTable, columns: readonly string[]): string {
  return `copy (select ${columns.map(ident).join(', ')} from only ${qualified(table)} where (${rows}\n)) to stdout`;
}

/** Columns of a table that COPY carries; none where there is no such table. */
export const columnsQuery = `
  select a.attname::text as name from pg_catalog.pg_attribute a
   where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
   order by a.attnum`;

/** Whether the database has no table at all. */
export const emptyQuery = `
  select not exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                      where c.relkind in ('r', 'p') and ${userSchema}) as empty`;
