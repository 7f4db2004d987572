import { RefreshError } from '../../model/errors.ts';
import { applicationOf, type ForkRun } from '../../model/run.ts';
import type { Servers } from '../../model/servers.ts';
import { ident } from '../../model/table.ts';
import { mayActFor } from '../../postgres/membership.ts';
import type { Session } from '../../postgres/session.ts';

/**
 * Ends the sessions of everybody else in the whole cluster, who can't come back: the trusted sources are closed to them,
 * and the passwords that they know are no more.
 *
 * @throws RefreshError `not-permitted` naming a role whose sessions can't be ended.
 */
export async function endOtherSessions(run: ForkRun, servers: Servers, session: Session): Promise<void> {
  const roles = await session.rows<{ role: string }>(
    `select distinct r.rolname::text as role from pg_catalog.pg_stat_activity a
       join pg_catalog.pg_roles r on r.oid = a.usesysid
      where a.backend_type = 'client backend' and a.application_name <> $1 and not r.rolsuper`,
    [applicationOf(run)],
  );
  for (const { role } of roles) await mayActFor(session, servers, role);
  try {
    await session.rows(
      `select pg_catalog.pg_terminate_backend(a.pid, 10000) from pg_catalog.pg_stat_activity a
         join pg_catalog.pg_roles r on r.oid = a.usesysid
        where a.backend_type = 'client backend' and a.application_name <> $1 and not r.rolsuper`,
      [applicationOf(run)],
    );
  } catch (cause) {
    throw new RefreshError(
      'not-permitted',
      `sessions in the fork can’t be ended: ${roles.map(({ role }) => role).join(', ')}`,
      {
        object: 'the fork',
        hint: 'in production, so that later backups have it: GRANT pg_signal_backend TO the administrator; then make a new fork',
        cause,
      },
    );
  }
}

/** Who may connect to the session's database; `''` stands for PUBLIC. */
export async function readConnect(session: Session): Promise<string[]> {
  const rows = await session.rows<{ role: string }>(
    `select distinct coalesce(r.rolname::text, '') as role
       from pg_catalog.pg_database d, pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as a
       left join pg_catalog.pg_roles r on r.oid = a.grantee
      where d.datname = current_database() and a.privilege_type = 'CONNECT' order by 1`,
  );
  return rows.map(({ role }) => role);
}

/** A second wall: nobody but the administrator may connect to the database, whatever becomes of the first. */
export function closeDatabase({ staging, stagingUser }: Servers, connect: readonly string[]): string[] {
  const others = connect.filter((role) => role !== stagingUser).map(grantee);
  return [
    `grant connect on database ${ident(staging.name)} to ${ident(stagingUser)}`,
    ...(others.length > 0
      ? [`revoke connect on database ${ident(staging.name)} from ${others.join(', ')}`]
      : []),
  ];
}

/** Who could connect before may again. */
export function openDatabase({ staging, stagingUser }: Servers, connect: readonly string[]): string[] {
  return [
    ...(connect.length > 0
      ? [`grant connect on database ${ident(staging.name)} to ${connect.map(grantee).join(', ')}`]
      : []),
    ...(connect.includes(stagingUser)
      ? []
      : [`revoke connect on database ${ident(staging.name)} from ${ident(stagingUser)}`]),
  ];
}

function grantee(role: string): string {
  return role === '' ? 'public' : ident(role);
}
