import { asError } from '../model/errors.ts';
import type { LeftOut } from '../model/plan.ts';
import type { StagingRun } from '../model/run.ts';
import type { StagingServer } from '../model/servers.ts';
import { ident } from '../model/table.ts';
import { grantorsOf, readdressPrivileges } from '../postgres/acl.ts';
import { alterOwner, type OwnedObject, type OwnershipFacts, readOwners } from '../postgres/identity.ts';
import { describeLargeObjects } from '../postgres/large-objects.ts';
import { mayActFor } from '../postgres/membership.ts';
import { catalogSettings, openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';
import { inBatches } from '../system/batches.ts';

/** An ALTER … OWNER TO statement of a script, and the role that it names. */
export interface NamedOwner {
  readonly statement: string;
  readonly role: string;
}

/** Statements in one text, each with its locks until the text's end; a refused one is looked for among these. */
const statementsAtOnce = 50;

/**
 * Gives every object in the next database its owner and its privileges. Production's owner, where staging has a role
 * of that name; else the role that owns staging's database. What a role without superuser rights can't hand over is
 * named, not lost silently.
 *
 * @param privileges pg_restore's script of production's ACL entries.
 * @param named ALTER … OWNER TO statements, where that is all that is known of production's owners.
 */
export async function assignOwners(
  run: StagingRun,
  servers: StagingServer,
  production: OwnershipFacts,
  next: string,
  privileges: string,
  named: readonly NamedOwner[] = [],
): Promise<LeftOut[]> {
  const inProduction = production.owners;
  const ownersOfProduction = new Set([
    ...inProduction.map(({ owner }) => owner),
    ...named.map(({ role }) => role),
  ]);
  // It takes no members: what it owns can be given to it by a superuser alone.
  if (!servers.stagingSuperuser) ownersOfProduction.delete('pg_database_owner');
  const missingRoles = new Set<string>();
  const roleOf = (role: string) => {
    if (servers.stagingRoles.has(role)) return role;
    if (ownersOfProduction.has(role)) return servers.defaultOwner;
    missingRoles.add(role);
    return undefined;
  };

  await using session = await openStaging(run, next, catalogSettings);
  // What changes nothing is asked first: in a transaction each attempt has a savepoint of its own.
  const [owned, closed, usable] = await allDone([
    readOwners(session),
    readClosed(session, next),
    usableRoles(session, servers, new Set([...ownersOfProduction, ...grantorsOf(privileges)])),
  ]);
  const wanted = new Map(inProduction.map((object) => [`${object.type} ${object.identity}`, object.owner]));
  const statements: string[] = [];
  for (const object of owned) {
    const owner = ownerFor(object, wanted, usable, servers.defaultOwner);
    if (owner !== object.owner) statements.push(alterOwner(object, ident(owner)));
  }
  for (const { statement, role } of named) if (usable.has(role)) statements.push(statement);
  const leftOut = await openToOwners(session, closed, () => runEach(session, statements));

  const { statements: grants } = readdressPrivileges(privileges, roleOf, usable);
  const largeObjects = describeLargeObjects(production.largeObjects, roleOf);
  if (missingRoles.size > 0) {
    run.log.warn(
      `privileges of roles that staging does not have are left out: ${[...missingRoles].sort().join(', ')}`,
    );
  }
  return [...leftOut, ...(await runEach(session, [...grants, ...largeObjects]))];
}

/** The same for event triggers, which are made when all else is done; their owners have to be superusers. */
export async function ownEventTriggers(
  session: Session,
  { stagingRoles, stagingSuperuser }: StagingServer,
  { owners }: OwnershipFacts,
): Promise<LeftOut[]> {
  // Nobody else has made any.
  if (!stagingSuperuser) return [];
  const own = owners.filter(({ type, owner }) => type === 'event trigger' && stagingRoles.has(owner));
  return await runEach(
    session,
    own.map((trigger) => alterOwner(trigger, ident(trigger.owner))),
  );
}

function ownerFor(
  object: OwnedObject,
  wanted: ReadonlyMap<string, string>,
  usable: ReadonlySet<string>,
  defaultOwner: string,
): string {
  const inProduction = wanted.get(`${object.type} ${object.identity}`);
  if (inProduction !== undefined && usable.has(inProduction)) return inProduction;
  // It is in every database; unless somebody has changed that, it follows the database's owner by itself.
  const stays = object.type === 'schema' && object.identity === 'public';
  return stays ? object.owner : defaultOwner;
}

/**
 * Roles of these that we may act for: only to such a role can an object be given (manual, ALTER TABLE). One that we may
 * grant to ourselves is; a superuser's never is, so what a superuser owns in production has staging's owner here.
 */
async function usableRoles(
  session: Session,
  servers: StagingServer,
  roles: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const usable = new Set<string>();
  for (const role of roles) {
    if (!servers.stagingRoles.has(role)) continue;
    if (await mayActFor(session, servers, role)) usable.add(role);
  }
  return usable;
}

/**
 * A new owner needs CREATE on the object's schema, or on the database (manual, ALTER TABLE, ALTER PUBLICATION), which
 * it may have lost again in production; so everybody has it for a moment, in a database that nobody knows of.
 */
async function openToOwners<Result>(
  session: Session,
  closed: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  if (closed.length === 0) return await work();
  const grants = closed.map((object) => `grant create on ${object} to public`).join(';\n');
  try {
    const [, result] = await allDone([session.run(grants), work()]);
    return result;
  } finally {
    await session.run(closed.map((object) => `revoke create on ${object} from public`).join(';\n'));
  }
}

/** The database and its schemas in which not everybody may create something. */
async function readClosed(session: Session, database: string): Promise<string[]> {
  const [schemas, { open }] = await allDone([
    // In place some schemas are somebody else's, and stay as they are.
    session.rows<{ name: string }>(
      `select nspname::text as name from pg_catalog.pg_namespace
        where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
          and pg_catalog.pg_has_role(nspowner, 'USAGE')
          and not pg_catalog.has_schema_privilege('public', oid, 'CREATE')`,
    ),
    session.row<{ open: boolean }>(
      `select pg_catalog.has_database_privilege('public', current_database(), 'CREATE') as open`,
    ),
  ]);
  return [
    ...(open ? [] : [`database ${ident(database)}`]),
    ...schemas.map(({ name }) => `schema ${ident(name)}`),
  ];
}

/** Runs statements in large texts; where one is refused, that text again one by one. Returns the refused. */
export async function runEach(session: Session, statements: readonly string[]): Promise<LeftOut[]> {
  const leftOut: LeftOut[] = [];
  const batches = inBatches(statements, statementsAtOnce);
  const whole = (batch: readonly string[]) =>
    session.attempt(batch.join(';\n')).then(
      () => true,
      () => false,
    );
  // All of them at once; from the first that is refused on they are carried out again, since their order counts.
  const done = session.inTransaction ? [] : await allDone(batches.map(whole));
  const refused = done.indexOf(false);
  for (const batch of batches.slice(refused < 0 ? done.length : refused)) {
    if (await whole(batch)) continue;
    for (const statement of batch) {
      try {
        await session.attempt(statement);
      } catch (error) {
        if (session.lost) throw error;
        leftOut.push({ object: statement, reason: asError(error).message });
      }
    }
  }
  return leftOut;
}
