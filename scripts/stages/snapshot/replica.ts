import { RefreshError } from '../../model/errors.ts';

/** What was exported. */
export interface Exported {
  readonly id: string;
  readonly version: string;
  /** As pg_current_snapshot() writes it. */
  readonly taken: string;
  /** Whether it is a replica's whose exported snapshots may lack transactions under way, and there are some. */
  readonly shaky: boolean;
}

/**
 * Until November 2026 a replica exports a snapshot without the transactions under way as soon as one of them has more than
 * 64 subtransactions (savepoints, blocks with EXCEPTION). Whoever reads with it takes their rows for rolled back and marks
 * them so in the replica's own pages: they are lost there for everybody, after the commit, too (release notes of 15.20).
 * No role without special rights can see whether there are so many, so a snapshot is good that has none under way.
 */
export const exportQuery = `
  select pg_catalog.pg_export_snapshot() as id, current_setting('server_version') as version, now::text as taken,
         pg_catalog.pg_is_in_recovery() and under_way and server % 10000
           < case server / 10000 when 14 then 25 when 15 then 20 when 16 then 16 when 17 then 12 when 18 then 7
                                 when 19 then 1 else 0 end as shaky
    from (select now, pg_catalog.pg_snapshot_xmin(now) <> pg_catalog.pg_snapshot_xmax(now) as under_way,
                 current_setting('server_version_num')::int as server
            from pg_catalog.pg_current_snapshot() as taken (now)) as state`;

/** @throws RefreshError `version-unsupported` */
export function refuseShaky({ shaky, version }: Exported): void {
  if (!shaky) return;
  throw new RefreshError(
    'version-unsupported',
    `production is a replica with PostgreSQL ${version}, and transactions are under way: if one of them has many savepoints, to read with several sessions would spoil rows in the replica`,
    {
      object: 'production',
      hint: 'upgrade the replica (14.25, 15.20, 16.16, 17.12 and 18.7 have it repaired), read the primary, or run it when little writes',
    },
  );
}
