import { type BesideKind, looksBeside, type Marker, parseMarker } from '../model/database-name.ts';
import { RefreshError } from '../model/errors.ts';
import { ident } from '../model/table.ts';
import { refusalOf } from './failure.ts';
import type { Session } from './session.ts';

/** A database that stands beside the live one, by its mark or at least by its name. */
export interface BesideDatabase {
  readonly name: string;
  readonly oid: number;
  /** Undefined where the name looks like ours and the mark is missing. */
  readonly marker: Marker | undefined;
}

/** Databases made beside `live`, oldest run first. */
export async function listBeside(maintenance: Session, live: string): Promise<BesideDatabase[]> {
  const databases = await maintenance.rows<{ name: string; oid: number; comment: string | null }>(
    `select datname::text as name, oid, pg_catalog.shobj_description(oid, 'pg_database') as comment
       from pg_catalog.pg_database order by datname`,
  );
  return databases
    .map(({ name, oid, comment }) => ({ name, oid, marker: parseMarker(comment) }))
    .filter(({ name, marker }) => name !== live && (marker ? marker.of === live : looksBeside(live, name)))
    .sort((a, b) => (a.marker?.at ?? '').localeCompare(b.marker?.at ?? ''));
}

/** Those that our mark calls `kind`, oldest first. */
export async function listMarked(
  maintenance: Session,
  live: string,
  kind: BesideKind,
): Promise<BesideDatabase[]> {
  return (await listBeside(maintenance, live)).filter(({ marker }) => marker?.kind === kind);
}

/** wrong_object_type (manual, appendix A): templates are not dropped. */
const templateRefused = '42809';

/**
 * Ends the sessions in a database of ours and drops it; one that is gone already is fine. FORCE alone is refused to a role
 * that is no superuser while autovacuum is at work there (tried on 17.10); a plain DROP sends autovacuum away itself.
 */
export async function dropBeside(maintenance: Session, name: string): Promise<void> {
  const drop = `drop database if exists ${ident(name)}`;
  try {
    await maintenance.run(`${drop} with (force)`, name);
  } catch (error) {
    if (refusalOf(error) === templateRefused) {
      await maintenance.run(`alter database ${ident(name)} with is_template false`, name);
      return await dropBeside(maintenance, name);
    }
    if (!(error instanceof RefreshError && error.code === 'not-permitted')) throw error;
    await maintenance.rows(
      `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
        where datname = $1 and usesysid is not null`,
      [name],
    );
    await maintenance.run(drop, name);
  }
}
