import { createHash } from 'node:crypto';
import type { DatabaseFacts } from '../model/servers.ts';

/**
 * Tells artifacts of one production database from those of another, in clear and in encrypted files: a hash of the
 * server's system identifier and the database's name. It survives a failover and the database's being made anew; after
 * an upgrade by pg_upgrade or a move to another cluster it is another one. 32 hexadecimal digits.
 */
export function databaseId({
  systemIdentifier,
  name,
}: Pick<DatabaseFacts, 'systemIdentifier' | 'name'>): string {
  return createHash('sha256').update(`${systemIdentifier} ${name}`).digest('hex').slice(0, 32);
}
