import type { RefreshConfig } from '../../model/config.ts';
import { serversOwn } from '../../model/database-name.ts';
import { RefreshError } from '../../model/errors.ts';
import type { StagingRun } from '../../model/run.ts';
import { describeAddress, type ServerAddress } from '../../model/server-address.ts';
import type { Side, StagingServer } from '../../model/servers.ts';
import { listBeside } from '../../postgres/beside.ts';
import { requireDirect } from '../../postgres/direct.ts';
import { takeRunLock } from '../../postgres/run-lock.ts';
import { openMaintenance, sessionOptions } from '../../postgres/run-sessions.ts';
import { openSession, type Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { formatBytes } from '../../system/log.ts';
import { readFacts } from './facts.ts';
import { removeLeftovers } from './leftovers.ts';
import { requireStagingRights, stagingServer } from './rights.ts';

/** What a command may rely on that changes staging and reads nothing of production. */
export interface StagingPreflight {
  readonly server: StagingServer;
  /** Session in staging's maintenance database; it holds the run's lock as long as it lives. */
  readonly maintenance: Session;
}

/** The half of the preflight that is about staging: reachable, a primary, enough rights, nobody else at work. */
export async function preflightStaging(
  run: StagingRun,
  strategy: RefreshConfig['strategy'] = 'swap',
): Promise<StagingPreflight> {
  const { config } = run;
  if (strategy === 'swap') refuseProtected(config.staging.database);
  await using staging = await connectDirectly(run, config.staging, 'staging');
  const facts = await readFacts(staging);
  run.log.info(
    `staging: ${describeAddress(config.staging)}, PostgreSQL ${facts.version}, ${formatBytes(facts.bytes)}`,
  );
  if (facts.inRecovery) throw stagingReadOnly(config.staging);
  const owners = config.owner ? [config.owner] : [];
  const rights = await requireStagingRights(run, staging, facts, owners, strategy);
  requireRole(config.owner, rights.roles);
  const maintenance = await holdRunLock(run);
  return { maintenance, server: stagingServer(facts, rights, config.owner) };
}

/** Takes the run's lock and removes what a dead run has left. Losing the session that holds it ends the run. */
export async function holdRunLock(run: StagingRun): Promise<Session> {
  const { staging } = run.config;
  const maintenance = await openMaintenance(run);
  try {
    // What stands there is asked for with the lock, and only looked at once we have it.
    const [, beside] = await allDone([
      takeRunLock(maintenance, staging.database),
      listBeside(maintenance, staging.database),
    ]);
    await removeLeftovers(run, maintenance, beside);
  } catch (error) {
    await maintenance.close();
    throw error;
  }
  maintenance.onLost((cause) =>
    run.abort(
      new RefreshError('lock-lost', 'the session that holds the run’s lock broke', {
        object: maintenance.label,
        hint: 'the staging server restarted, or an administrator ended the session: run it again',
        cause,
      }),
    ),
  );
  return maintenance;
}

/** A connection that no pool stands in front of. @throws RefreshError `pooled-connection`. */
export async function connectDirectly(run: StagingRun, address: ServerAddress, side: Side): Promise<Session> {
  const session = await openSession(address, sessionOptions(run, side));
  await requireDirect(session, address);
  return session;
}

/** DigitalOcean's and PostgreSQL's own databases; DigitalOcean can't do without them. */
const protectedDatabases: readonly string[] = ['defaultdb', 'postgres', ...serversOwn];

export function refuseProtected(database: string): void {
  if (!protectedDatabases.includes(database)) return;
  throw new RefreshError('protected-database', `${database} cannot be renamed, so it cannot be replaced`, {
    object: 'STAGING_DB_URL',
    hint: 'create a database of the application’s own on the staging cluster and name it in the URL, or refresh it as it is: refresh run --strategy in-place',
  });
}

export function requireRole(owner: string | undefined, roles: ReadonlySet<string>): void {
  if (!owner || roles.has(owner)) return;
  throw new RefreshError('not-permitted', `there is no role ${owner} in staging`, {
    object: '--owner',
    hint: 'create the user in the staging cluster, or name one that is there',
  });
}

export function stagingReadOnly(staging: ServerAddress): RefreshError {
  return new RefreshError(
    'staging-read-only',
    'the staging server is a replica: nothing can be written there',
    {
      object: describeAddress(staging),
      hint: 'STAGING_DB_URL has to name the primary node',
    },
  );
}
