import { allDone } from '../system/all-done.ts';
import { endPrepared, preparedOf, readBonds } from './bonds.ts';
import type { Session } from './session.ts';

/** Who keeps the databases from being renamed, and what can be done about it; `''` where nobody does any more. */
export async function inTheWay(
  helper: Session,
  live: string,
  oids: readonly { readonly oid: number }[],
): Promise<string> {
  const [sessions, bonds] = await allDone([
    helper.rows<{ pid: number; role: string | null; application: string; connected: boolean }>(
      `select a.pid, a.usename::text as role, a.application_name as application, a.datid = any ($1::oid[]) as connected
         from pg_catalog.pg_stat_activity a
        where a.datid = any ($1::oid[])
           or exists (select from pg_catalog.pg_locks l
                       where l.pid = a.pid and l.granted and l.locktype = 'object'
                         and l.classid = 'pg_catalog.pg_database'::regclass and l.objid = any ($1::oid[]))
        order by connected desc limit 5`,
      [oids.map(({ oid }) => oid)],
    ),
    readBonds(helper, live),
  ]);
  const named = (connected: boolean) =>
    sessions
      .filter((session) => session.connected === connected)
      .map(({ pid, role, application }) => `pid ${pid} of ${role ?? 'the server'} ${application}`.trim())
      .join(', ');
  const [there, elsewhere] = [named(true), named(false)];
  return [
    there &&
      `these sessions could not be ended: ${there}; grant pg_signal_backend to staging’s administrator, or end them`,
    elsewhere &&
      `the database is locked by ${elsewhere}, in the middle of a transaction or of CREATE DATABASE … TEMPLATE: wait for that, or end it`,
    ...preparedOf(bonds).map((gid) => `prepared in staging’s database, and not over: ${endPrepared(gid)}`),
  ]
    .filter((hint) => hint !== '')
    .join('; ');
}
