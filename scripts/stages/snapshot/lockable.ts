import { RefreshError } from '../../model/errors.ts';
import { display, type TableRef } from '../../model/table.ts';
import { userSchema } from '../../postgres/catalog.ts';
import { refusalOf } from '../../postgres/failure.ts';

/** A table that has to stand still while it is copied. */
export interface Lockable extends TableRef {
  readonly oid: number;
}

export const lockableQuery = `
  select c.oid, n.nspname::text as schema, c.relname::text as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and c.relpersistence <> 't'
     and ${userSchema}
   order by n.nspname, c.relname`;

/**
 * A table that came, went or was made anew since the list was made is not under our locks.
 *
 * @throws RefreshError `catalog-moved`
 */
export function refuseMoved(locked: readonly Lockable[], seen: readonly Lockable[]): void {
  const [before, now] = [new Set(locked.map((table) => table.oid)), new Set(seen.map((table) => table.oid))];
  const moved = [
    ...seen.filter((table) => !before.has(table.oid)).map((table) => `${display(table)} is new`),
    ...locked.filter((table) => !now.has(table.oid)).map((table) => `${display(table)} is gone`),
  ];
  if (moved.length === 0) return;
  throw catalogMoved(`production's tables changed while the run began: ${moved.slice(0, 5).join(', ')}`);
}

/** `undefined_table`, `invalid_schema_name`, and `wrong_object_type`: a view has its name now. */
const gone = ['42P01', '3F000', '42809'];

/** What LOCK TABLE says of a table that is gone, as `catalog-moved`; anything else as it is. */
export function asMoved(error: unknown): unknown {
  if (!gone.includes(refusalOf(error))) return error;
  return catalogMoved('a table was dropped or renamed while the run began', error);
}

export function catalogMoved(message: string, cause?: unknown): RefreshError {
  const hint = 'migrations follow one another there: run it again when they are over';
  return new RefreshError('catalog-moved', message, { object: 'production', hint, cause });
}
