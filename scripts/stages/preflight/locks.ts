import type { RefreshConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { type DatabaseFacts, usableLocks } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';

/** Our snapshot's session and pg_dump each hold a lock on every table at the same time. */
const holdersInProduction = 2;

/**
 * A server can hold about max_locks_per_transaction × (max_connections + max_prepared_transactions) locks (manual,
 * 19.12 "Lock Management"). A run that would need more is refused here and not after an hour, or in somebody else's
 * transaction.
 *
 * @throws RefreshError `locks-insufficient` with the arithmetic.
 */
export function requireLocks(tables: number, production: DatabaseFacts, staging: DatabaseFacts): void {
  refuseBeyond(
    'production',
    tables * holdersInProduction,
    `${tables} tables × ${holdersInProduction} sessions`,
    production,
  );
  refuseBeyond('staging', tables, `${tables} tables`, staging);
}

/** Connections beside those of the jobs: snapshot, brakes, the dead man’s switch, pg_dump; in staging the lock, its helper, pg_dump and one that defines. */
const beside = { production: 4, staging: 4 };

/**
 * A run that takes a server's last connections is refused here: it would fail in the middle, and others before it does.
 *
 * @throws RefreshError `too-many-connections` with the arithmetic.
 */
export function requireConnections(
  { jobs, strategy }: Pick<RefreshConfig, 'jobs' | 'strategy'>,
  production: DatabaseFacts,
  staging: DatabaseFacts,
): void {
  const needed = {
    production: jobs + beside.production,
    // In place there is one that does everything.
    staging: beside.staging + (strategy === 'in-place' ? 0 : jobs),
  };
  for (const [side, left] of [
    ['production', production.connectionsLeft],
    ['staging', staging.connectionsLeft],
  ] as const) {
    if (left >= needed[side]) continue;
    throw new RefreshError(
      'too-many-connections',
      `with ${jobs} jobs a run needs ${needed[side]} connections, and ${Math.max(left, 0)} are left for our role`,
      {
        object: `${side} server`,
        hint: 'fewer jobs; ALTER ROLE … CONNECTION LIMIT where the role has one; a larger plan, or fewer clients',
      },
    );
  }
}

function refuseBeyond(side: string, needed: number, arithmetic: string, facts: DatabaseFacts): void {
  if (needed <= usableLocks(facts)) return;
  throw new RefreshError(
    'locks-insufficient',
    `${arithmetic} need ${needed} locks, and ${facts.lockCapacity} fit into the lock table`,
    {
      object: `${side} server`,
      // What the policy excludes is locked, too: it must not be dropped while the plan is made.
      hint: 'raise max_locks_per_transaction there; it needs a restart',
    },
  );
}

/** Tables that a dump locks. */
export async function countTables(session: Session): Promise<number> {
  const { count } = await session.row<{ count: number }>(
    `select count(*)::int as count from pg_catalog.pg_class where relkind in ('r', 'p') and oid >= 16384`,
  );
  return count;
}
