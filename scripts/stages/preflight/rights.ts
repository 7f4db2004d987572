import { setTimeout as sleep } from 'node:timers/promises';
import { RefreshError } from '../../model/errors.ts';
import type { StagingRun } from '../../model/run.ts';
import type { DatabaseFacts, StagingServer } from '../../model/servers.ts';
import { ident } from '../../model/table.ts';
import { type Bond, endPrepared, preparedOf, readBonds } from '../../postgres/bonds.ts';
import { grantMembership, isMember, mayActFor } from '../../postgres/membership.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';

/** The role that we are in staging, and all roles that are there. */
export interface StagingRights {
  readonly user: string;
  readonly superuser: boolean;
  readonly roles: ReadonlySet<string>;
}

/** @param owner the role of `--owner`. */
export function stagingServer(
  staging: DatabaseFacts,
  { user, superuser, roles }: StagingRights,
  owner: string | undefined,
): StagingServer {
  return {
    staging,
    stagingRoles: roles,
    stagingUser: user,
    stagingSuperuser: superuser,
    defaultOwner: owner ?? staging.owner,
  };
}

/**
 * Proves before the first byte that staging's role can make a database, hand it to its owner, and end the sessions of
 * everyone who is connected, so that nothing fails at publish after an hour of copying. Grants itself what it may.
 *
 * @param certain what has to be over before anything is granted.
 * @throws RefreshError `not-permitted`.
 */
export async function requireStagingRights(
  run: StagingRun,
  session: Session,
  facts: DatabaseFacts,
  owners: readonly string[],
  strategy: 'swap' | 'in-place' | 'fork' = 'swap',
  certain: Promise<unknown> = Promise.resolve(),
): Promise<StagingRights> {
  const [me, all, , ownerIsOurs, stubborn, bonds] = await allDone([
    session.row<{ user: string; superuser: boolean; createdb: boolean }>(
      `select rolname::text as "user", rolsuper as superuser, rolcreatedb as createdb
         from pg_catalog.pg_roles where rolname = current_user`,
    ),
    session.rows<{ name: string }>('select rolname::text as name from pg_catalog.pg_roles'),
    certain,
    isMember(session, { staging: facts }, facts.owner),
    listStubborn(session, facts),
    readBonds(session, facts.name),
  ]);
  if (strategy !== 'fork') refuseSubscriptions(facts, bonds);
  if (strategy === 'swap') await requireUnbound(run, session, facts, bonds);
  const roles = new Set(all.map(({ name }) => name));
  if (me.superuser) return { user: me.user, superuser: true, roles };
  if (!me.createdb && strategy === 'swap') {
    throw new RefreshError('not-permitted', 'the role may not create databases', {
      object: `staging role ${me.user}`,
      hint: `STAGING_DB_URL has to be the administrator’s (doadmin), or as an administrator: ALTER ROLE ${ident(me.user)} CREATEDB; or refresh it as it is: refresh run --strategy in-place`,
    });
  }
  // One that is no role is refused by its name, by whoever has named it.
  const others = new Set([facts.owner, ...owners.filter((name) => roles.has(name))]);
  others.delete(me.user);
  if (ownerIsOurs) others.delete(facts.owner);
  for (const owner of others) await requireMembership(session, me.user, owner, facts);
  // What was granted just now may make a difference.
  if (strategy === 'swap')
    requireEndingSessions(run, facts, others.size === 0 ? stubborn : await listStubborn(session, facts));
  return { user: me.user, superuser: false, roles };
}

async function requireMembership(
  session: Session,
  user: string,
  role: string,
  facts: DatabaseFacts,
): Promise<void> {
  const server = { staging: facts, stagingUser: user };
  if (await mayActFor(session, server, role)) return;
  throw new RefreshError(
    'not-permitted',
    `the role cannot act for ${role}, which owns the staging database`,
    {
      object: `staging role ${user}`,
      hint: `as an administrator of staging: ${grantMembership(server, role)};`,
    },
  );
}

const secondLookMs = 1_000;

/** Its database could be neither emptied in a transaction nor dropped later; a fork's own go as it is closed. */
function refuseSubscriptions({ name }: DatabaseFacts, bonds: readonly Bond[]): void {
  const subscription = bonds.find(({ kind }) => kind === 'subscription');
  if (!subscription) return;
  throw new RefreshError('not-permitted', `staging subscribes to another server: ${subscription.name}`, {
    object: `staging database ${name}`,
    hint: `its database could never be dropped, and would go on receiving rows: DROP SUBSCRIPTION ${ident(subscription.name)}; first`,
  });
}

/** RENAME refuses a database with prepared transactions; replication slots stay with the one that is set aside. */
async function requireUnbound(
  run: StagingRun,
  session: Session,
  { name }: DatabaseFacts,
  bonds: readonly Bond[],
): Promise<void> {
  const object = `staging database ${name}`;
  const prepared = preparedOf(bonds);
  if (prepared.length > 0) {
    // A transaction manager’s own are over in a moment.
    await sleep(secondLookMs);
    const [open] = preparedOf(await readBonds(session, name)).filter((gid) => prepared.includes(gid));
    if (open !== undefined)
      throw new RefreshError('not-permitted', `prepared transactions are open in it: ${open}`, {
        object,
        hint: `until they are over the server renames no database; connected to it: ${endPrepared(open)}`,
      });
  }
  for (const bond of bonds) {
    if (bond.kind === 'replication slot')
      run.log.warn(
        `the replication slot ${bond.name} stays with the database that is set aside, keeps WAL and is dropped with it: whoever reads it needs a new one`,
      );
  }
}

interface Stubborn {
  readonly role: string;
  readonly superuser: boolean;
  /** An extension of this database whose own process is always connected to it; null where there is none. */
  readonly home: string | null;
}

/** Roles with sessions that we can't end. */
function listStubborn(session: Session, facts: DatabaseFacts): Promise<Stubborn[]> {
  return session.rows<Stubborn>(
    `select distinct r.rolname::text as role, r.rolsuper as superuser,
            (select min(extname::text) from pg_catalog.pg_extension where extname in ('pg_cron', 'timescaledb')) as home
       from pg_catalog.pg_stat_activity a join pg_catalog.pg_roles r on r.oid = a.usesysid
      where a.datid = $1 and a.pid <> pg_catalog.pg_backend_pid()
        and (r.rolsuper or not (pg_catalog.pg_has_role(current_user, r.oid, 'USAGE')
                                or pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE')))`,
    [facts.oid],
  );
}

function requireEndingSessions(run: StagingRun, facts: DatabaseFacts, stubborn: readonly Stubborn[]): void {
  for (const { role, superuser, home } of stubborn) {
    const message = `sessions of ${role} on staging cannot be ended`;
    if (superuser && home !== null) {
      throw new RefreshError('not-permitted', `${message}: ${home} is always connected to its database`, {
        object: `staging database ${facts.name}`,
        hint: `refresh in place, or DROP EXTENSION ${home} there`,
      });
    }
    // A superuser's session is the provider's own and usually gone in a moment; if not, publishing names it.
    if (superuser) run.log.warn(`${message}: it is a superuser’s; publishing waits for it`);
    else {
      throw new RefreshError('not-permitted', message, {
        object: `staging database ${facts.name}`,
        hint: `as an administrator of staging: GRANT pg_signal_backend TO the role of STAGING_DB_URL, or end those sessions`,
      });
    }
  }
}
