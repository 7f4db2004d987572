import { serversOwn } from '../../model/database-name.ts';
import { RefreshError } from '../../model/errors.ts';
import type { LeftOut } from '../../model/plan.ts';
import type { ForkRun } from '../../model/run.ts';
import type { Servers } from '../../model/servers.ts';
import { ident, literal } from '../../model/table.ts';
import { dropBeside } from '../../postgres/beside.ts';
import { userSchema } from '../../postgres/catalog.ts';
import { mayActFor } from '../../postgres/membership.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';

/** Databases that a managed cluster can't do without; they are emptied, and those of the server left alone. */
const kept = new Set(['postgres', 'defaultdb']);

interface Database {
  readonly name: string;
  readonly open: boolean;
  readonly owner: string;
}

/**
 * Takes from the fork what acts by itself or leads elsewhere, since it goes on where production stood: subscriptions,
 * scheduled jobs, prepared transactions, logins at foreign servers, event triggers; and production's other databases,
 * which the policy says nothing of. May be done again at any time.
 *
 * @returns what staging doesn't get of production, for the report.
 * @throws RefreshError `not-permitted` for what can't be taken away: the fork stays closed.
 */
export async function neutralise(run: ForkRun, servers: Servers, maintenance: Session): Promise<LeftOut[]> {
  const leftOut: LeftOut[] = [];
  const databases = await maintenance.rows<Database>(
    `select datname::text as name, datallowconn as open, pg_catalog.pg_get_userbyid(datdba)::text as owner
       from pg_catalog.pg_database where datname <> all ($1::text[]) order by 1`,
    [serversOwn],
  );
  const live = servers.staging.name;
  // The one that matters first: what acts by itself does so from the moment that the cluster is up.
  const names = databases.flatMap(({ name, open }) => (open && name !== live ? name : []));
  for (const name of [live, ...names]) {
    await using session = await openStaging(run, name);
    leftOut.push(...(await quieten(run, servers, session)));
    if (name !== live && kept.has(name)) leftOut.push(...(await empty(servers, session, name)));
  }
  for (const { name, owner } of databases) {
    if (name === live || kept.has(name)) continue;
    await mayActFor(maintenance, servers, owner);
    const what = `the database ${name}, another one of production’s,`;
    await attempt(maintenance, `alter database ${ident(name)} is_template false`, what);
    await dropBeside(maintenance, name).catch((cause: unknown) => {
      throw stays(what, cause);
    });
    leftOut.push({ object: `DATABASE ${name}`, reason: 'staging has one database' });
  }
  return leftOut;
}

async function quieten(run: ForkRun, servers: Servers, session: Session): Promise<LeftOut[]> {
  const leftOut: LeftOut[] = [];
  const actFor = async (owner: string) => await mayActFor(session, servers, owner);
  const subscriptions = await session.rows<{ name: string; owner: string }>(
    `select subname::text as name, pg_catalog.pg_get_userbyid(subowner)::text as owner
       from pg_catalog.pg_subscription
      where subdbid = (select oid from pg_catalog.pg_database where datname = current_database())`,
  );
  for (const { name, owner } of subscriptions) {
    await actFor(owner);
    const alter = `alter subscription ${ident(name)}`;
    const what = `subscription ${name}`;
    // Without the slot: that is its publisher's, and production still uses it.
    for (const statement of [`${alter} disable`, `${alter} set (slot_name = none)`])
      await attempt(session, statement, what);
    await attempt(session, `drop subscription ${ident(name)}`, what);
    leftOut.push({ object: `SUBSCRIPTION ${name}`, reason: 'staging must not take part in replication' });
  }
  await stopJobs(run, session);
  await rollBackPrepared(session, actFor);
  const mappings = await session.rows<{ user: string; server: string; owner: string }>(
    `select m.usename::text as user, m.srvname::text as server, pg_catalog.pg_get_userbyid(s.srvowner)::text as owner
       from pg_catalog.pg_user_mappings m join pg_catalog.pg_foreign_server s on s.oid = m.srvid`,
  );
  for (const { user, server, owner } of mappings) {
    await actFor(owner);
    const whom = user === 'public' ? 'public' : ident(user);
    await attempt(
      session,
      `drop user mapping if exists for ${whom} server ${ident(server)}`,
      `the login of ${user} at the foreign server ${server}`,
    );
    leftOut.push({
      object: `USER MAPPING ${user} SERVER ${server}`,
      reason: 'it holds a password for a server that staging must not reach',
    });
  }
  await disableEventTriggers(run, session, leftOut);
  return leftOut;
}

/** pg_cron's jobs run in a fork as they did in production. */
async function stopJobs(run: ForkRun, session: Session): Promise<void> {
  const { there } = await session.row<{ there: boolean }>(
    `select to_regclass('cron.job') is not null as there`,
  );
  if (!there) return;
  const active = async () =>
    Number((await session.row<{ n: string }>('select count(*) as n from cron.job where active')).n);
  const jobs = await active();
  if (jobs === 0) return;
  for (const statement of [
    'update cron.job set active = false where active',
    'select cron.alter_job(jobid, active := false) from cron.job where active',
  ]) {
    if ((await active()) > 0) await session.run(statement).catch(() => undefined);
  }
  if ((await active()) > 0) throw stays('a job of pg_cron', undefined);
  run.log.info(`${jobs} jobs of pg_cron are inactive now`);
}

async function rollBackPrepared(
  session: Session,
  actFor: (owner: string) => Promise<boolean>,
): Promise<void> {
  const prepared = await session.rows<{ gid: string; owner: string }>(
    `select gid, owner::text as owner from pg_catalog.pg_prepared_xacts where database = current_database()`,
  );
  for (const { gid, owner } of prepared) {
    await actFor(owner);
    // Its owner alone may end it, no member of that role.
    const statement = `rollback prepared ${literal(gid)}`;
    try {
      await session.run(`set role ${ident(owner)}`);
      await session.run(statement);
    } catch (cause) {
      throw stays(`the prepared transaction ${gid}`, cause);
    } finally {
      await session.run('reset role');
    }
  }
}

async function disableEventTriggers(run: ForkRun, session: Session, leftOut: LeftOut[]): Promise<void> {
  const triggers = await session.rows<{ name: string }>(
    `select evtname::text as name from pg_catalog.pg_event_trigger where evtenabled <> 'D'`,
  );
  for (const { name } of triggers) {
    try {
      await session.run(`alter event trigger ${ident(name)} disable`);
      leftOut.push({ object: `EVENT TRIGGER ${name}`, reason: 'it is disabled in a fork' });
    } catch {
      run.log.warn(`the event trigger ${name} can’t be disabled: it fires for what is changed in the fork`);
    }
  }
}

/** A database that has to be there and isn't the application's: no row of production's stays in it. */
async function empty(servers: Servers, session: Session, database: string): Promise<LeftOut[]> {
  const relations = await session.rows<{ name: string; type: string; owner: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
            case c.relkind when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end as type
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm', 'f') and ${userSchema}
        and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_class'::regclass
                          and d.objid = c.oid and d.deptype = 'e')`,
  );
  for (const { name, type, owner } of relations) {
    await mayActFor(session, servers, owner);
    await attempt(session, `drop ${type} if exists ${name} cascade`, `${name} of the database ${database}`);
  }
  await session.run('select pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata');
  // Dropped tables' statistics; a warning where the database is the provider's.
  if (relations.length > 0) await session.run('vacuum (full) pg_catalog.pg_statistic');
  return relations.map(({ name }) => ({
    object: `TABLE ${name} of the database ${database}`,
    reason: 'staging has one database',
  }));
}

async function attempt(session: Session, statement: string, what: string): Promise<void> {
  try {
    await session.run(statement);
  } catch (cause) {
    throw stays(what, cause);
  }
}

function stays(what: string, cause: unknown): RefreshError {
  return new RefreshError(
    'not-permitted',
    `${what} can’t be taken out of the fork${cause instanceof Error ? `: ${cause.message}` : ''}`,
    {
      object: 'the fork',
      hint: 'it stays closed; give the administrator the right to it in production and make a new fork',
      cause,
    },
  );
}
