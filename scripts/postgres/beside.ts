import { type BesideKind, looksBeside, type Marker, parseMarker } from '../model/database-name.ts';
import { ident } from '../model/table.ts';
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

/** Ends the sessions in a database of ours and drops it; one that is gone already is fine. */
export async function dropBeside(maintenance: Session, name: string): Promise<void> {
  await maintenance.run(`drop database if exists ${ident(name)} with (force)`, name);
}
