import { RefreshError } from '../../model/errors.ts';
import { type DatabaseFacts, usableLocks } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';

/** System catalogs, their indexes and views: pg_dump and we ask many of them, and what was asked stays locked, too. */
export const catalogLocks = 300;

/**
 * One transaction holds a lock on everything that it drops, on every part of it (indexes, TOAST tables, types,
 * constraints, defaults, triggers), and on every relation that it makes, until its end.
 *
 * @throws RefreshError `locks-insufficient` with the arithmetic.
 */
export async function requireLocksInPlace(
  staging: Session,
  facts: DatabaseFacts,
  made: number,
): Promise<void> {
  const dropped = await countDropped(staging);
  const usable = usableLocks(facts);
  const needed = dropped + made + catalogLocks;
  if (needed <= usable) return;
  throw new RefreshError(
    'locks-insufficient',
    `${dropped} objects to drop + ${made} to make + ${catalogLocks} of the system’s need ${needed} locks in one transaction; of the ${facts.lockCapacity} ` +
      `that the server’s lock table holds (max_locks_per_transaction × connections), ${usable} may be used`,
    {
      object: 'staging server',
      hint: 'use --strategy swap, or raise max_locks_per_transaction there (it needs a restart), or leave tables out by the policy',
    },
  );
}

/** What DROP locks: each object by itself, however it is reached (AcquireDeletionLock in catalog/dependency.c). */
export async function countDropped(staging: Session): Promise<number> {
  return await count(
    staging,
    `select (select count(*) from (
               select distinct classid, objid from pg_catalog.pg_depend
                where objid >= 16384 and deptype <> 'e') as object)
          + (select count(*) from pg_catalog.pg_largeobject_metadata) as count`,
  );
}

/** What CREATE, ALTER … OWNER and COMMENT lock. */
export async function countMade(production: Session): Promise<number> {
  const own = (table: string, oid = 'oid') =>
    `(select count(*) from pg_catalog.${table} where ${oid} >= 16384)`;
  return await count(
    production,
    `select ${[
      own('pg_class'),
      own('pg_proc'),
      `(select count(*) from pg_catalog.pg_type where oid >= 16384 and typelem = 0 and typrelid = 0)`,
      own('pg_operator'),
      own('pg_opclass'),
      own('pg_opfamily'),
      own('pg_collation'),
      own('pg_ts_config'),
      own('pg_statistic_ext'),
      own('pg_namespace'),
      `(select count(*) from pg_catalog.pg_largeobject_metadata)`,
    ].join(' + ')} as count`,
  );
}

async function count(session: Session, query: string): Promise<number> {
  return Number((await session.row<{ count: string }>(query)).count);
}
