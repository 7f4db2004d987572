import { RefreshError } from '../../model/errors.ts';
import { isFinishedFork } from '../../model/history.ts';
import { applicationOf, type ForkRun } from '../../model/run.ts';
import { describeAddress, type ServerAddress } from '../../model/server-address.ts';
import type { DatabaseFacts, Servers } from '../../model/servers.ts';
import { userSchema } from '../../postgres/catalog.ts';
import { mayActFor } from '../../postgres/membership.ts';
import { openPrevious } from '../../postgres/run-sessions.ts';
import { openSession, type Session } from '../../postgres/session.ts';
import { formatBytes } from '../../system/log.ts';
import { readFacts } from './facts.ts';
import { requireReadable } from './readable.ts';
import { requireStagingRights, stagingServer } from './rights.ts';
import { seesLockOf } from './same-server.ts';
import { connectDirectly, holdRunLock, stagingReadOnly } from './staging.ts';

export interface ForkPreflight {
  readonly servers: Servers;
  /** Whether an earlier run has finished it: then there is nothing to do. */
  readonly finished: boolean;
  /** Comment of the staging that is in use, which remembers its runs; null where there is none. */
  readonly previousComment: string | null;
  /** Session in the fork's maintenance database; it holds the run's lock as long as it lives. */
  readonly maintenance: Session;
}

/**
 * Proves that the cluster was made from production's backup, and that it is neither production nor the staging in use:
 * what follows can't be taken back. Then takes the run's lock.
 *
 * @throws RefreshError `same-database`, `not-a-fork`, `staging-read-only`, `not-permitted`.
 */
export async function preflightFork(run: ForkRun): Promise<ForkPreflight> {
  const { config } = run;
  await using production = await connectDirectly(run, config.production, 'production');
  await using fork = await connectDirectly(run, config.staging, 'staging');
  const facts = { production: await readFacts(production), staging: await readFacts(fork) };
  if (facts.staging.inRecovery) throw stagingReadOnly(config.staging);
  await refuseSameServer(production, fork, config.production, config.staging, 'production');
  if (facts.production.systemIdentifier !== facts.staging.systemIdentifier) {
    throw notAFork('the cluster was not made from production’s backup: its system identifier is another', {
      object: describeAddress(config.staging),
      hint: 'make it from production’s managed backup; a cluster that was filled in any other way is refreshed by refresh run',
    });
  }
  const previousComment = await inspectPrevious(run, fork);
  await refuseAdministratorOfProduction(run);
  run.log.info(
    `fork: ${describeAddress(config.staging)}, PostgreSQL ${facts.staging.version}, ${formatBytes(facts.staging.bytes)}`,
  );
  const owners = config.owner ? [config.owner] : [];
  const rights = await requireStagingRights(run, fork, facts.staging, owners, config.strategy);
  if (!rights.superuser) await requireOwners(fork, facts.staging, rights.user);
  // Only now: what it may do for its owners, it may read.
  await requireReadable(fork, config.staging.user);
  return {
    finished: isFinishedFork(facts.staging.comment, config.stagingClusterId),
    previousComment,
    maintenance: await holdRunLock(run),
    servers: { ...stagingServer(facts.staging, rights, config.owner), production: facts.production },
  };
}

async function inspectPrevious(run: ForkRun, fork: Session): Promise<string | null> {
  const { previousStaging, staging } = run.config;
  if (!previousStaging) return null;
  await using previous = await openPrevious(run, previousStaging);
  await refuseSameServer(previous, fork, previousStaging, staging, 'the staging in use');
  return (await readFacts(previous)).comment;
}

async function refuseSameServer(
  one: Session,
  fork: Session,
  address: ServerAddress,
  staging: ServerAddress,
  what: string,
): Promise<void> {
  if (!(await seesLockOf(one, fork))) return;
  throw new RefreshError('same-database', `${what} and the fork are one server`, {
    object: `${describeAddress(address)} and ${describeAddress(staging)}`,
    hint: 'STAGING_DB_URL has to be the new cluster’s; nothing was changed',
  });
}

/** A backup brings production's roles along; the administrator's password has to be the new cluster's own. */
async function refuseAdministratorOfProduction(run: ForkRun): Promise<void> {
  const { production, staging } = run.config;
  const opened = await openSession(
    { ...production, user: staging.user, password: staging.password },
    { side: 'production', applicationName: applicationOf(run), signal: run.signal },
  ).catch((error: unknown) => {
    if (error instanceof RefreshError && ['login-refused', 'not-permitted'].includes(error.code)) return null;
    throw error;
  });
  if (!opened) return;
  await opened.close();
  throw notAFork(`the administrator ${staging.user} has the same password in production`, {
    object: describeAddress(staging),
    hint: 'reset the new cluster’s administrator (control panel, Users & Databases) and give that one in STAGING_DB_URL',
  });
}

/** Rewriting a table, dropping a key and the like take its owner's rights. */
async function requireOwners(session: Session, facts: DatabaseFacts, user: string): Promise<void> {
  const owners = await session.rows<{ owner: string; object: string }>(
    `select r.rolname::text as owner, min(format('%I.%I', n.nspname, c.relname)) as object
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_roles r on r.oid = c.relowner
      where c.relkind in ('r', 'p', 'm', 'v', 'f') and c.relpersistence <> 't'
        and ${userSchema}
        and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_class'::regclass
                          and d.objid = c.oid and d.deptype = 'e')
      group by 1`,
  );
  for (const { owner, object } of owners) {
    if (await mayActFor(session, { staging: facts, stagingUser: user }, owner)) continue;
    throw new RefreshError('not-permitted', `the role cannot act for ${owner}, which owns ${object}`, {
      object: `staging role ${user}`,
      hint: `in production, so that later backups have it: GRANT ${owner} TO ${user}; then make a new fork`,
    });
  }
}

function notAFork(
  message: string,
  details: { readonly object: string; readonly hint: string },
): RefreshError {
  return new RefreshError('not-a-fork', message, details);
}
