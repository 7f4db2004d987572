import type { RefreshConfig } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import { runsOfComment } from '../model/history.ts';
import type { Run } from '../model/run.ts';
import { describeAddress, type ServerAddress } from '../model/server-address.ts';
import type { DatabaseFacts, Servers, Side } from '../model/servers.ts';
import { requireDirect } from '../postgres/direct.ts';
import {
  dumpSettings,
  expectMaintenance,
  expectProduction,
  handOnProduction,
  handOnStaging,
  openProduction,
  openStaging,
} from '../postgres/run-sessions.ts';
import { findServerTools, type ServerTools } from '../postgres/server-tools.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';
import { formatBytes } from '../system/log.ts';
import { foreseeExtensions } from './preflight/extensions.ts';
import { readFacts } from './preflight/facts.ts';
import { countTables, requireConnections, requireLocks } from './preflight/locks.ts';
import { listPolicyRoles, requirePolicyRoles } from './preflight/policy-roles.ts';
import { requireReadable } from './preflight/readable.ts';
import { requireStagingRights, stagingServer } from './preflight/rights.ts';
import { refuseSameDatabase } from './preflight/same-server.ts';
import { holdRunLock, refuseProtected, requireRole } from './preflight/staging.ts';
import { refuseWithoutPolicy } from './preflight/without-policy.ts';

/** What a run may rely on once nothing stands in its way. */
export interface Preflight {
  readonly servers: Servers;
  readonly tools: ServerTools;
  /** Session in staging's maintenance database; it holds the run's lock as long as it lives. */
  readonly maintenance: Session;
}

const oldestProduction = 140000;

/** Proves that a refresh can succeed, then takes the run's lock and removes what a dead run has left. */
export async function preflight(run: Run): Promise<Preflight> {
  const inspected = await inspect(run, () => {
    expectMaintenance(run);
    expectProduction(run, 1, dumpSettings);
  });
  return { ...inspected, maintenance: await holdRunLock(run) };
}

/**
 * Proves that a refresh can succeed before anything is written: both servers reachable and verified, versions, rights,
 * two different databases. Changes nothing in either, but for roles that staging's administrator may grant itself.
 *
 * @param expect begins to open what is needed later.
 */
export async function inspect(
  run: Run,
  expect: () => void = () => undefined,
): Promise<Omit<Preflight, 'maintenance'>> {
  const { config } = run;
  if (config.strategy === 'swap') refuseProtected(config.staging.database);
  const tools = await findServerTools(config.environment);
  // Both are opened and asked at the same time: what they answer is judged production first.
  await using sessions = new AsyncDisposableStack();
  const reach = async (side: Side, open: () => Promise<Session>) => {
    const session = sessions.use(await open());
    // What it says of itself is looked at once it is known to be no pool.
    const answer = readFacts(session);
    answer.catch(() => undefined);
    await requireDirect(session, config[side]);
    return { session, facts: await answer };
  };
  const reached = allDone([
    reach('production', () => openProduction(run)),
    reach('staging', () => openStaging(run, config.staging.database)),
  ]);
  // For the brakes; production's first one exports the snapshot.
  expectProduction(run, 1);
  expect();
  const [production, staging] = await reached;
  const facts = { production: production.facts, staging: staging.facts };
  describe(run, 'production', config.production, facts.production);
  describe(run, 'staging', config.staging, facts.staging);
  requireVersions(tools, facts.production, facts.staging);
  refuseWithoutPolicy(config, runsOfComment(facts.staging.comment));

  const different = refuseSameDatabase(run, production, staging);
  const owners = config.owner ? [config.owner] : [];
  const [, , rights, unlike, roles, tables] = await allDone([
    different,
    requireReadable(production.session, config.production.user, readsLargeObjects(config)),
    requireStagingRights(run, staging.session, facts.staging, owners, config.strategy, different),
    foreseeExtensions(production.session, staging.session, config.strategy),
    listPolicyRoles(production.session),
    countTables(production.session),
  ]);
  for (const warning of unlike) run.log.warn(warning);
  requireRole(config.owner, rights.roles);
  requirePolicyRoles(roles, rights.roles);
  requireLocks(tables, facts.production, facts.staging);
  requireConnections(config, facts.production, facts.staging);

  const servers: Servers = {
    ...stagingServer(facts.staging, rights, config.owner),
    production: facts.production,
  };
  sessions.move();
  handOnProduction(run, production.session);
  await handOnStaging(run, config.staging.database, staging.session);
  return { servers, tools };
}

/** All that the policy leaves out is in an artifact of the full content. */
function readsLargeObjects({ policy, artifact }: RefreshConfig): boolean {
  return policy?.largeObjects !== 'exclude' || artifact?.content === 'full';
}

function describe(run: Run, side: Side, address: ServerAddress, facts: DatabaseFacts): void {
  const replica = facts.inRecovery ? ', a replica' : '';
  run.log.info(
    `${side}: ${describeAddress(address)}, PostgreSQL ${facts.version}, ${formatBytes(facts.bytes)}${replica}`,
  );
}

export function requireVersions(tools: ServerTools, production: DatabaseFacts, staging: DatabaseFacts): void {
  if (production.versionNumber < oldestProduction) {
    throw new RefreshError(
      'version-unsupported',
      `production runs PostgreSQL ${production.version}; 14 is the oldest that works`,
      {
        object: 'production',
        hint: 'upgrade production: control panel, the cluster, Settings, Upgrade version',
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
  requireTools(tools, production, staging);
}

/** pg_dump reads production, and then the copy. @throws RefreshError `tool-too-old` for a server newer than it. */
export function requireTools(tools: ServerTools, ...servers: readonly DatabaseFacts[]): void {
  const newer = servers.find((facts) => tools.major < major(facts));
  if (!newer) return;
  throw new RefreshError('tool-too-old', `pg_dump ${tools.version} cannot read PostgreSQL ${newer.version}`, {
    object: tools.bindir,
    hint: `install postgresql-client-${Math.max(...servers.map(major))} and set PG_BINDIR to its folder`,
  });
}

function major({ versionNumber }: DatabaseFacts): number {
  return Math.floor(versionNumber / 10000);
}
