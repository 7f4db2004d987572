import { literal } from '../model/table.ts';
import type { Session } from './session.ts';

/** What is bound to one database of a server beside its content: it neither moves to another one nor lets go of it. */
export interface Bond {
  readonly kind: 'prepared transaction' | 'replication slot' | 'subscription';
  readonly name: string;
}

/** Those of the database with this name, from any database of its server. */
export function readBonds(session: Session, database: string): Promise<Bond[]> {
  return session.rows<Bond>(
    `select 'prepared transaction' as kind, gid as name from pg_catalog.pg_prepared_xacts where database = $1
      union all
     select 'replication slot', slot_name::text from pg_catalog.pg_replication_slots where database = $1
      union all
     select 'subscription', s.subname::text from pg_catalog.pg_subscription s
       join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname = $1
      order by 1, 2`,
    [database],
  );
}

/** Names of prepared transactions. */
export function preparedOf(bonds: readonly Bond[]): string[] {
  return bonds.flatMap(({ kind, name }) => (kind === 'prepared transaction' ? name : []));
}

/** SQL for the name of the prepared transaction that holds a lock; null where a session does. @param lock alias of pg_locks. */
export const preparedHolder = (lock: string) => `
  (select p.gid from pg_catalog.pg_locks x join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
    where ${lock}.pid is null and x.pid is null and x.virtualtransaction = ${lock}.virtualtransaction limit 1)`;

/** What ends it: whoever prepared it may, and a superuser. */
export function endPrepared(gid: string): string {
  return `COMMIT PREPARED ${literal(gid)}; or ROLLBACK PREPARED ${literal(gid)};`;
}
