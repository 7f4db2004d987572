import { setTimeout as sleep } from 'node:timers/promises';
import { besideName, formatMarker, parseMarker } from '../model/database-name.ts';
import { RefreshError } from '../model/errors.ts';
import type { Published } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import { ident, literal } from '../model/table.ts';
import type { Verified } from '../model/verified.ts';
import { holdsRunLock, openMaintenanceSession } from '../postgres/run-lock.ts';
import { sessionOptions } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';

/** Renames that found somebody connected are tried this often before the run gives up. */
const attempts = 5;
const endSessionsEveryMs = 20;

/**
 * Puts the verified database in the live one's place: both renames in one transaction of the session that holds the
 * run's lock, so that losing the lock is losing the transaction. The name, the URL and the pools' settings stay.
 *
 * RENAME takes its lock on the database before it waits for sessions to leave (dbcommands.c, RenameDatabase): from
 * then on nobody new gets in, while a second session of ours ends those who are still there.
 *
 * @throws RefreshError `publish-failed`: staging is as it was.
 */
export async function publish(
  run: Run,
  servers: Servers,
  maintenance: Session,
  verified: Verified,
): Promise<Published> {
  const live = servers.staging.name;
  const previous = besideName(live, 'previous', run.id);
  await handOver(maintenance, servers, verified.database);
  await using helper = await openMaintenanceSession(run.config.staging, sessionOptions(run, 'staging'));
  let refusal: unknown;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const begun = performance.now();
    try {
      await swap(run, servers, maintenance, helper, { live, previous, next: verified.database });
      return { database: live, previous, lockedOutSeconds: (performance.now() - begun) / 1000 };
    } catch (error) {
      if (maintenance.lost) return await afterLostAnswer(run, servers, previous, begun, error);
      await maintenance.run('rollback').catch(() => undefined);
      if (!(error instanceof RefreshError) || !/being accessed by other users/.test(error.message))
        throw publishError(live, error);
      refusal = error;
      run.log.info(`somebody is still connected to ${live}, attempt ${attempt} of ${attempts}`);
    }
  }
  throw publishError(live, refusal, await stillConnected(helper, live));
}

interface Names {
  readonly live: string;
  readonly previous: string;
  readonly next: string;
}

async function swap(
  run: Run,
  servers: Servers,
  maintenance: Session,
  helper: Session,
  names: Names,
): Promise<void> {
  const marker = formatMarker({
    kind: 'previous',
    of: names.live,
    run: run.id,
    at: run.startedAt.toISOString(),
    comment: servers.staging.comment,
  });
  const comment = parseMarker(servers.staging.comment) ? null : servers.staging.comment;
  await maintenance.run('begin; set local synchronous_commit = on');
  if (!(await holdsRunLock(maintenance, names.live))) {
    throw new RefreshError('lock-lost', 'the run’s lock is gone', { object: names.live });
  }
  await endingSessions(helper, [names.live, names.next], () =>
    maintenance.run(
      [
        `alter database ${ident(names.live)} rename to ${ident(names.previous)}`,
        `alter database ${ident(names.next)} rename to ${ident(names.live)}`,
        `comment on database ${ident(names.previous)} is ${literal(marker)}`,
        `comment on database ${ident(names.live)} is ${comment === null ? 'null' : literal(comment)}`,
        'commit',
      ].join(';\n'),
      names.live,
    ),
  );
}

/** Ends the sessions in these databases again and again while `work` runs. */
async function endingSessions(
  helper: Session,
  databases: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  let working = true;
  // By oid: while the renames are under way the names mean two things.
  const oids = (
    await helper.rows<{ oid: number }>('select oid from pg_catalog.pg_database where datname = any ($1)', [
      [...databases],
    ])
  ).map((row) => row.oid);
  const ending = (async () => {
    while (working) {
      await helper.rows(
        `select pg_catalog.pg_terminate_backend(a.pid)
           from pg_catalog.pg_stat_activity a join pg_catalog.pg_roles r on r.oid = a.usesysid
          where a.datid = any ($1::oid[]) and a.pid <> pg_catalog.pg_backend_pid()
            and (not r.rolsuper or (select rolsuper from pg_catalog.pg_roles where rolname = current_user))
            and (pg_catalog.pg_has_role(current_user, r.oid, 'USAGE')
                 or pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))`,
        [oids],
      );
      await sleep(endSessionsEveryMs);
    }
  })();
  ending.catch(() => undefined);
  try {
    await work();
  } finally {
    working = false;
    await ending.catch(() => undefined);
  }
}

/** Owner, privileges and limits of the live database, before the new one is seen by anybody. */
async function handOver(maintenance: Session, servers: Servers, next: string): Promise<void> {
  const { staging } = servers;
  const grants = await maintenance.rows<{ grantee: string; privileges: string; grantable: boolean }>(
    `select case a.grantee when 0 then '' else pg_catalog.pg_get_userbyid(a.grantee)::text end as grantee,
            string_agg(a.privilege_type, ', ') as privileges, a.is_grantable as grantable
       from pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a where d.oid = $1 and a.grantee <> d.datdba
      group by a.grantee, a.is_grantable`,
    [staging.oid],
  );
  const hasAcl = await maintenance.row<{ changed: boolean }>(
    'select datacl is not null as changed from pg_catalog.pg_database where oid = $1',
    [staging.oid],
  );
  const name = ident(next);
  const statements = [
    ...(hasAcl.changed ? [`revoke all on database ${name} from public`] : []),
    ...grants.map(({ grantee, privileges, grantable }) => {
      const to = grantee === '' ? 'public' : ident(grantee);
      return `grant ${privileges} on database ${name} to ${to}${grantable ? ' with grant option' : ''}`;
    }),
    `alter database ${name} connection limit ${staging.connectionLimit}`,
    `alter database ${name} owner to ${ident(staging.owner)}`,
  ];
  await maintenance.run(statements.join(';\n'), next);
}

/** The answer to COMMIT was lost, so nobody knows yet: the oids tell which database carries the name. */
async function afterLostAnswer(
  run: Run,
  servers: Servers,
  previous: string,
  begun: number,
  cause: unknown,
): Promise<Published> {
  const live = servers.staging.name;
  // Without the run's signal: the lost lock has fired it already, and this question has to be answered all the same.
  await using session = await openMaintenanceSession(run.config.staging, {
    side: 'staging',
    applicationName: `staging-refresh ${run.id}`,
  });
  const { oid } = await session.row<{ oid: number }>(
    'select oid from pg_catalog.pg_database where datname = $1',
    [live],
  );
  if (oid === servers.staging.oid) throw publishError(live, cause);
  run.log.warn('the answer to COMMIT was lost; the server says that it was carried out');
  return { database: live, previous, lockedOutSeconds: (performance.now() - begun) / 1000 };
}

async function stillConnected(helper: Session, live: string): Promise<string> {
  const sessions = await helper.rows<{ pid: number; role: string | null; application: string }>(
    `select pid, usename::text as role, application_name as application from pg_catalog.pg_stat_activity
      where datname = $1 limit 5`,
    [live],
  );
  return sessions
    .map(({ pid, role, application }) => `pid ${pid} of ${role ?? 'the server'} ${application}`.trim())
    .join(', ');
}

function publishError(live: string, cause: unknown, sessions = ''): RefreshError {
  if (cause instanceof RefreshError && cause.code === 'lock-lost') return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RefreshError('publish-failed', why, {
    object: live,
    hint: sessions
      ? `these sessions could not be ended: ${sessions}; grant pg_signal_backend to staging’s administrator, or end them`
      : 'staging is as it was; run it again',
    cause,
  });
}
