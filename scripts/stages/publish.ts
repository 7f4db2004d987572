import { besideName, formatMarker, parseMarker } from '../model/database-name.ts';
import type { Published } from '../model/report.ts';
import type { StagingRun } from '../model/run.ts';
import type { StagingServer } from '../model/servers.ts';
import { ident } from '../model/table.ts';
import type { Verified } from '../model/verified.ts';
import type { Hold } from '../postgres/ending-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { swapDatabases } from '../postgres/swap.ts';
import { allDone } from '../system/all-done.ts';

/**
 * Puts the verified database in the live one's place; what it replaces stays beside it under a mark of ours.
 *
 * @param hold keeps staging's writers off its own tables once they were carried over for the last time.
 * @throws RefreshError `publish-failed`: staging is as it was; `publish-unknown`.
 */
export async function publish(
  run: StagingRun,
  servers: StagingServer,
  maintenance: Session,
  verified: Verified,
  hold?: () => Promise<Hold>,
): Promise<Published> {
  const { name: live, oid, isTemplate, comment } = servers.staging;
  const previous = besideName(live, 'previous', run.id);
  await handOver(maintenance, servers, verified.database);
  const mark = formatMarker({
    kind: 'previous',
    of: live,
    run: run.id,
    at: run.startedAt.toISOString(),
    comment,
  });
  const lockedOutSeconds = await swapDatabases(run, maintenance, {
    live: { name: live, oid, isTemplate },
    aside: { name: previous, comment: mark },
    replacement: { name: verified.database, comment: parseMarker(comment) ? null : comment },
    hold,
  });
  return { database: live, previous, lockedOutSeconds };
}

/** Owner, privileges and limits of the live database, before the new one is seen by anybody. */
async function handOver(maintenance: Session, servers: StagingServer, next: string): Promise<void> {
  const { staging } = servers;
  const [grants, acl] = await allDone([
    maintenance.rows<{ grantee: string; privileges: string; grantable: boolean }>(
      `select case a.grantee when 0 then '' else pg_catalog.pg_get_userbyid(a.grantee)::text end as grantee,
            string_agg(a.privilege_type, ', ') as privileges, a.is_grantable as grantable
       from pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a where d.oid = $1 and a.grantee <> d.datdba
      group by a.grantee, a.is_grantable`,
      [staging.oid],
    ),
    maintenance.row<{ changed: boolean }>(
      'select datacl is not null as changed from pg_catalog.pg_database where oid = $1',
      [staging.oid],
    ),
  ]);
  const name = ident(next);
  const statements = [
    // Since createNext nobody else may; as long as it is ours we may say so.
    ...(acl.changed ? [] : [`grant connect on database ${name} to public`]),
    // The owner first: privileges of the role that owned it till then would go over to the new owner.
    `alter database ${name} owner to ${ident(staging.owner)}`,
    ...(acl.changed ? [`revoke all on database ${name} from public`] : []),
    ...grants.map(({ grantee, privileges, grantable }) => {
      const to = grantee === '' ? 'public' : ident(grantee);
      return `grant ${privileges} on database ${name} to ${to}${grantable ? ' with grant option' : ''}`;
    }),
    `alter database ${name} connection limit ${staging.connectionLimit}`,
  ];
  await maintenance.run(statements.join(';\n'), next);
}
