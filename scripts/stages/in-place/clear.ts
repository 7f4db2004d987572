import { asError, RefreshError } from '../../model/errors.ts';
import type { PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display, qualified, type TableRef } from '../../model/table.ts';
import { endPrepared, preparedHolder } from '../../postgres/bonds.ts';
import { userSchema } from '../../postgres/catalog.ts';
import type { LoneTransaction } from '../../postgres/lone-transaction.ts';
import type { Session } from '../../postgres/session.ts';
import { inBatches } from '../../system/batches.ts';
import { dropStatements, readGoing } from './going.ts';
import { defaultPrivilegesReset, schemasReset } from './reset.ts';
import type { Standing } from './standing.ts';

interface Locked extends TableRef {
  readonly oid: number;
}

/** Tables that one LOCK statement names. */
const lockedAtOnce = 500;

/**
 * Locks staging's tables for good: from here to COMMIT nobody else reads or writes them.
 *
 * @throws RefreshError `table-locked` naming the table and who holds it.
 */
export async function lockLive(run: Run, transaction: LoneTransaction, maintenance: Session): Promise<void> {
  await using session = await transaction.borrow({ lock_timeout: `${run.config.lockWaitSeconds}s` });
  const closed = await session.rows<{ grant: string }>(closedQuery);
  if (closed.length > 0) await session.run(closed.map(({ grant }) => grant).join(';\n'));
  const tables = await session.rows<Locked>(tablesQuery);
  for (const batch of inBatches(tables, lockedAtOnce)) {
    const names = batch.map((table) => `only ${qualified(table)}`).join(', ');
    await session.run(`lock table ${names} in access exclusive mode`).catch(async (cause: unknown) => {
      throw await nameTheHolder(run, transaction, maintenance, batch, cause);
    });
  }
}

/**
 * Drops all that users have made in the live database, object by object, and takes back what they have granted on what
 * stays: afterwards it is as a new one, but for its extensions.
 *
 * @throws RefreshError `table-locked` naming who holds what is to go.
 */
export async function clearLive(
  run: Run,
  transaction: LoneTransaction,
  maintenance: Session,
  standing: Standing,
  tables: readonly PlannedTable[],
): Promise<void> {
  await using session = await transaction.borrow({
    search_path: '',
    lock_timeout: `${run.config.lockWaitSeconds}s`,
    client_min_messages: 'warning',
  });
  const relations = await session.rows<Locked>(relationsQuery);
  const going = await readGoing(session, standing);
  for (const statement of dropStatements(going)) {
    await session.run(statement, statement.slice(0, 80)).catch(async (cause: unknown) => {
      throw await nameTheHolder(run, transaction, maintenance, relations, cause);
    });
  }
  for (const statement of [...(await schemasReset(session)), ...(await defaultPrivilegesReset(session))]) {
    await session.attempt(statement).catch((cause: unknown) => {
      const why = asError(cause).message;
      run.log.warn(`stays as it was in staging: ${statement}: ${why}`);
    });
  }
  // An extension that stays has rows of the old staging's: production's come in their place.
  for (const { table } of tables) {
    if (table.configuration === null || !standing.relations.has(display(table))) continue;
    await session.run(`delete from only ${qualified(table)} ${table.configuration}`, display(table));
  }
  run.log.info(`dropped, and to be made anew: ${going.length} objects`);
}

/** Whoever holds a lock that stands in our way still has it: it was our patience that ended. */
async function nameTheHolder(
  run: Run,
  transaction: LoneTransaction,
  maintenance: Session,
  relations: readonly Locked[],
  cause: unknown,
): Promise<unknown> {
  if (!(cause instanceof RefreshError) || cause.code !== 'table-locked') return cause;
  const [holder] = await maintenance.rows<{
    oid: number;
    pid: number;
    role: string;
    application: string;
    gid: string | null;
  }>(
    `select l.relation as oid, l.pid, coalesce(a.usename::text, '') as role, coalesce(a.application_name, '') as application,
            ${preparedHolder('l')} as gid
       from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.granted and l.pid is distinct from $1 and l.relation = any ($2::oid[])
        and l.database = (select oid from pg_catalog.pg_database where datname = $3)`,
    [transaction.pid, relations.map(({ oid }) => oid), run.config.staging.database],
  );
  const table = relations.find(({ oid }) => oid === holder?.oid);
  return new RefreshError('table-locked', `a table stayed locked for ${run.config.lockWaitSeconds} s`, {
    object: table ? `staging table ${display(table)}` : 'staging',
    hint: holder
      ? holder.gid !== null
        ? `a prepared transaction holds it until somebody ends it: ${endPrepared(holder.gid)}`
        : `process ${holder.pid} of ${holder.role || 'the server'} (${holder.application || 'unnamed'}) holds it: end it, or stop the application while staging is refreshed in place; --lock-wait waits longer`
      : 'stop the application while staging is refreshed in place; --lock-wait waits longer',
    cause,
  });
}

/** What an owner has taken from itself it may give itself again: LOCK TABLE and COPY ask for it, DROP does not. */
const closedQuery = `
  select format('grant usage on schema %I to %I', n.nspname, pg_catalog.pg_get_userbyid(n.nspowner)) as grant
    from pg_catalog.pg_namespace n
   where ${userSchema} and pg_catalog.pg_has_role(n.nspowner, 'USAGE')
     and not pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  union all
  select format('grant all on %I.%I to %I', n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner))
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and ${userSchema} and pg_catalog.pg_has_role(c.relowner, 'USAGE')
     and not (pg_catalog.has_table_privilege(c.oid, 'TRUNCATE') and pg_catalog.has_table_privilege(c.oid, 'SELECT'))`;

const relationOf = (kinds: string) => `
  select c.oid, n.nspname::text as schema, c.relname::text as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in (${kinds}) and c.relpersistence <> 't' and ${userSchema}
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
   order by n.nspname, c.relname`;

/** LOCK TABLE takes no sequences and no materialized views: those are locked when they are dropped. */
const tablesQuery = relationOf(`'r', 'p'`);
const relationsQuery = relationOf(`'r', 'p', 'v', 'm', 'f', 'S', 'i', 'I'`);
