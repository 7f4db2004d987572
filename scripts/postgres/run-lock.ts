import { RefreshError } from '../model/errors.ts';
import type { ServerAddress } from '../model/server-address.ts';
import { refusalOf } from './failure.ts';
import { wrongPassword } from './login.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';

/** Advisory locks are per database, so every run has to take its lock in the same one. */
const maintenanceDatabases = ['postgres', 'defaultdb'];

/** Marks our locks among everybody's: the first of the two keys (manual, 13.3.5 "Advisory Locks"). */
const lockClass = 0x52465348; // 'RFSH'

/** A session in staging's maintenance database: `postgres` where we may connect to it, else `defaultdb`. */
export async function openMaintenanceSession(
  staging: ServerAddress,
  options: SessionOptions,
): Promise<Session> {
  let refusal: unknown;
  for (const database of maintenanceDatabases) {
    try {
      return await openSession(staging, { ...options, database });
    } catch (error) {
      const elsewhere =
        error instanceof RefreshError &&
        ['database-missing', 'not-permitted', 'login-refused'].includes(error.code) &&
        refusalOf(error) !== wrongPassword;
      if (!elsewhere) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

/**
 * Takes the lock that lets one run at a time change `database`. It lives as long as the session does.
 *
 * @throws RefreshError `already-running` with who holds it.
 */
export async function takeRunLock(maintenance: Session, database: string): Promise<void> {
  const { taken } = await maintenance.row<{ taken: boolean }>(
    'select pg_catalog.pg_try_advisory_lock($1, pg_catalog.hashtext($2)) as taken',
    [lockClass, database],
  );
  if (taken) return;
  const [holder] = await maintenance.rows<{
    pid: number;
    application: string;
    since: string;
    address: string | null;
  }>(
    `select a.pid, a.application_name as application, a.client_addr::text as address,
            date_trunc('second', a.backend_start)::text as since
       from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.classid = $1::int::oid and l.objsubid = 2
        and l.objid::int8 = pg_catalog.hashtext($2)::int8 & 4294967295`,
    [lockClass, database],
  );
  const who = holder
    ? `: ${holder.application || 'a session'} from ${holder.address ?? 'that server'}, since ${holder.since}`
    : '';
  throw new RefreshError('already-running', `another refresh holds the lock${who}`, {
    object: database,
    hint: holder
      ? `wait for it, or if it is dead or stopped (Ctrl-Z): SELECT ${ending(holder)}; on staging`
      : 'wait for it and try again',
  });
}

/** All of a run's sessions: one that is in place holds its tables by another than this one. */
function ending({ pid, application }: { readonly pid: number; readonly application: string }): string {
  return /^staging-refresh \w+$/.test(application)
    ? `pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '${application}%'`
    : `pg_terminate_backend(${pid})`;
}

/** @throws RefreshError `lock-lost` unless this session still holds the lock. */
export async function requireRunLock(maintenance: Session, database: string): Promise<void> {
  const { held } = await maintenance.row<{ held: boolean }>(
    `select exists (select from pg_catalog.pg_locks
       where locktype = 'advisory' and granted and pid = pg_catalog.pg_backend_pid() and objsubid = 2
         and classid = $1::int::oid and objid::int8 = pg_catalog.hashtext($2)::int8 & 4294967295) as held`,
    [lockClass, database],
  );
  if (held) return;
  throw new RefreshError('lock-lost', 'the run’s lock is gone', {
    object: database,
    hint: 'its connection was ended: by a restart, a failover or an administrator; staging is as it was, run it again',
  });
}
