import { RefreshError } from '../model/errors.ts';
import type { Run } from '../model/run.ts';
import { describeAddress, type ServerAddress } from '../model/server-address.ts';
import type { DatabaseFacts, Servers } from '../model/servers.ts';
import { openMaintenanceSession, takeRunLock } from '../postgres/run-lock.ts';
import { sessionOptions } from '../postgres/run-sessions.ts';
import { findServerTools, type ServerTools } from '../postgres/server-tools.ts';
import { announcedPid, openSession, type Session, type Side } from '../postgres/session.ts';
import { formatBytes } from '../system/log.ts';
import { readFacts } from './preflight/facts.ts';
import { removeLeftovers } from './preflight/leftovers.ts';
import { requireReadable, requireStagingRights } from './preflight/rights.ts';
import { refuseSameDatabase } from './preflight/same-server.ts';

/** What a run may rely on once nothing stands in its way. */
export interface Preflight {
  readonly servers: Servers;
  readonly tools: ServerTools;
  /** Session in staging's maintenance database; it holds the run's lock as long as it lives. */
  readonly maintenance: Session;
}

const oldestProduction = 140000;
/** DigitalOcean's and PostgreSQL's own databases; DigitalOcean can't do without them. */
const protectedDatabases = new Set(['defaultdb', 'postgres', '_dodb', 'template0', 'template1']);

/**
 * Proves that a refresh can succeed before anything is written: both servers reachable and verified, versions, rights,
 * two different databases, nobody else refreshing. Takes the run's lock and removes what a dead run has left.
 */
export async function preflight(run: Run): Promise<Preflight> {
  const { config } = run;
  refuseProtected(config.staging.database);
  const tools = await findServerTools(config.environment);
  await using production = await connect(run, config.production, 'production');
  await using staging = await connect(run, config.staging, 'staging');
  const facts = { production: await readFacts(production), staging: await readFacts(staging) };
  describe(run, 'production', config.production, facts.production);
  describe(run, 'staging', config.staging, facts.staging);
  requireVersions(tools, facts.production, facts.staging);

  await refuseSameDatabase(
    run,
    { session: production, facts: facts.production },
    { session: staging, facts: facts.staging },
  );
  await requireReadable(production, config.production.user);
  const owners = config.owner ? [config.owner] : [];
  const rights = await requireStagingRights(run, staging, facts.staging, owners);
  requireRole(config.owner, rights.roles);
  await requireExtensions(production, staging);

  const maintenance = await openMaintenanceSession(config.staging, sessionOptions(run, 'staging'));
  try {
    await takeRunLock(maintenance, config.staging.database);
    await removeLeftovers(run, maintenance, config.staging.database);
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
  const servers: Servers = {
    ...facts,
    stagingRoles: rights.roles,
    stagingUser: rights.user,
    stagingSuperuser: rights.superuser,
    defaultOwner: config.owner ?? facts.staging.owner,
  };
  return { servers, tools, maintenance };
}

async function connect(run: Run, address: ServerAddress, side: Side): Promise<Session> {
  const session = await openSession(address, sessionOptions(run, side));
  const { pid } = await session.row<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  if (pid === announcedPid(session.client)) return session;
  await session.close();
  throw new RefreshError(
    'pooled-connection',
    'the URL leads to a connection pool, which cannot hold a snapshot or a lock',
    {
      object: describeAddress(address),
      hint: 'use the direct connection string (DigitalOcean: port 25060, not the pool’s 25061)',
    },
  );
}

function refuseProtected(database: string): void {
  if (!protectedDatabases.has(database)) return;
  throw new RefreshError('protected-database', `${database} cannot be renamed, so it cannot be replaced`, {
    object: 'STAGING_DB_URL',
    hint: 'create a database of the application’s own on the staging cluster and name it in the URL',
  });
}

function describe(run: Run, side: Side, address: ServerAddress, facts: DatabaseFacts): void {
  const replica = facts.inRecovery ? ', a replica' : '';
  run.log.info(
    `${side}: ${describeAddress(address)}, PostgreSQL ${facts.version}, ${formatBytes(facts.bytes)}${replica}`,
  );
}

function requireVersions(tools: ServerTools, production: DatabaseFacts, staging: DatabaseFacts): void {
  const major = (facts: DatabaseFacts) => Math.floor(facts.versionNumber / 10000);
  if (production.versionNumber < oldestProduction) {
    throw new RefreshError(
      'version-unsupported',
      `production runs PostgreSQL ${production.version}; 14 is the oldest that works`,
      {
        object: 'production',
      },
    );
  }
  if (major(staging) < major(production)) {
    throw new RefreshError(
      'version-unsupported',
      `staging runs PostgreSQL ${staging.version}, older than production’s ${production.version}`,
      { object: 'staging', hint: 'upgrade the staging cluster first' },
    );
  }
  if (tools.major < major(production)) {
    throw new RefreshError(
      'tool-too-old',
      `pg_dump ${tools.version} cannot read PostgreSQL ${production.version}`,
      {
        object: tools.bindir,
        hint: `install postgresql-client-${major(production)} and set PG_BINDIR to its folder`,
      },
    );
  }
}

function requireRole(owner: string | undefined, roles: ReadonlySet<string>): void {
  if (!owner || roles.has(owner)) return;
  throw new RefreshError('not-permitted', `there is no role ${owner} in staging`, {
    object: '--owner',
    hint: 'create the user in the staging cluster, or name one that is there',
  });
}

/** Production's extensions have to be there to be created; which version is staging's own affair. */
async function requireExtensions(production: Session, staging: Session): Promise<void> {
  const wanted = await production.rows<{ name: string }>(
    'select extname::text as name from pg_catalog.pg_extension',
  );
  const offered = new Set(
    (
      await staging.rows<{ name: string }>(
        'select name::text as name from pg_catalog.pg_available_extensions',
      )
    ).map((extension) => extension.name),
  );
  const missing = wanted.map((extension) => extension.name).filter((name) => !offered.has(name));
  if (missing.length === 0) return;
  throw new RefreshError(
    'not-permitted',
    `staging’s server does not offer the extensions ${missing.join(', ')}`,
    {
      object: 'staging',
      hint: 'choose the same PostgreSQL version and provider for staging, or drop them from production if unused',
    },
  );
}
