import { randomBytes } from 'node:crypto';
import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import { describeAddress } from '../../model/server-address.ts';
import type { DatabaseFacts } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import { stagingReadOnly } from './staging.ts';

/**
 * Refuses to refresh a database from itself. Host names prove nothing (aliases, addresses, private names), so the
 * servers are asked: a random advisory lock that is taken on production can be seen on staging only where both are one
 * server, and then the databases' oids decide.
 *
 * @throws RefreshError `same-database`, `replica-of-staging`, `staging-read-only`.
 */
export async function refuseSameDatabase(
  run: Run,
  production: { readonly session: Session; readonly facts: DatabaseFacts },
  staging: { readonly session: Session; readonly facts: DatabaseFacts },
): Promise<void> {
  if (staging.facts.inRecovery) {
    throw stagingReadOnly(run.config.staging);
  }
  if (await seesLockOf(production.session, staging.session)) {
    if (production.facts.oid === staging.facts.oid) {
      throw new RefreshError('same-database', 'production and staging are the same database', {
        object: `${describeAddress(run.config.production)} and ${describeAddress(run.config.staging)}`,
        hint: 'create a database of its own for staging, better on a cluster of its own, and correct STAGING_DB_URL',
      });
    }
    run.log.warn(
      'production and staging are two databases of one server: a refresh competes with production for it',
    );
    return;
  }
  if (production.facts.systemIdentifier !== staging.facts.systemIdentifier) return;
  refuseReplica(run, production.facts);
}

/** Two servers with one system identifier come from the same files: a replica, or a fork that lives its own life. */
function refuseReplica(run: Run, production: DatabaseFacts): void {
  const { productionClusterId, stagingClusterId } = run.config;
  const knownToDiffer = productionClusterId && stagingClusterId && productionClusterId !== stagingClusterId;
  if (production.inRecovery && !knownToDiffer) {
    throw new RefreshError(
      'replica-of-staging',
      'production is a replica of what may be the staging server',
      {
        object: describeAddress(run.config.production),
        hint: 'check both URLs; if staging is a fork of production, give PROD_DB_CLUSTER_ID and STAGING_DB_CLUSTER_ID',
      },
    );
  }
  run.log.info('staging is a fork of production: equal system identifier, another server');
}

/** Whether both sessions are on one server. */
export async function seesLockOf(production: Session, staging: Session): Promise<boolean> {
  const [high, low] = [randomBytes(4).readInt32BE(), randomBytes(4).readInt32BE()];
  await production.rows('select pg_catalog.pg_advisory_lock($1::int, $2::int)', [high, low]);
  try {
    const { seen } = await staging.row<{ seen: boolean }>(
      `select exists (select from pg_catalog.pg_locks
                       where locktype = 'advisory' and objsubid = 2
                         and classid::int8 = $1::int8 & 4294967295 and objid::int8 = $2::int8 & 4294967295) as seen`,
      [high, low],
    );
    return seen;
  } finally {
    // It also goes with its session: nobody has to wait for this.
    production
      .rows('select pg_catalog.pg_advisory_unlock($1::int, $2::int)', [high, low])
      .catch(() => undefined);
  }
}
