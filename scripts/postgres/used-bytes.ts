import type { Session } from './session.ts';

/** Bytes of all databases of the session's server whose size our role may know. */
export async function readUsedBytes(session: Session): Promise<number> {
  const { bytes } = await session.row<{ bytes: string }>(
    `select coalesce(sum(pg_catalog.pg_database_size(oid)), 0)::text as bytes
       from pg_catalog.pg_database
      where pg_catalog.has_database_privilege(oid, 'CONNECT')
         or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')`,
  );
  return Number(bytes);
}
