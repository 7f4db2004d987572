import type { LeftOut } from '../model/plan.ts';
import type { Run } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import { ident } from '../model/table.ts';
import { readdressPrivileges } from '../postgres/acl.ts';
import { alterOwner, type OwnedObject, readOwners } from '../postgres/identity.ts';
import { openStaging, type Snapshot } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';

/** Statements in one text; a refused one is looked for among these. */
const statementsAtOnce = 500;

/**
 * Gives every object in the next database its owner and its privileges. Production's owner, where staging has a role
 * of that name; else the role that owns staging's database. What a role without superuser rights can't hand over is
 * named, not lost silently.
 *
 * @param privileges pg_restore's script of production's ACL entries.
 */
export async function assignOwners(
  run: Run,
  servers: Servers,
  snapshot: Snapshot,
  next: string,
  privileges: string,
): Promise<LeftOut[]> {
  const inProduction = await readOwners(snapshot.session);
  const ownersOfProduction = new Set(inProduction.map((object) => object.owner));
  const roleOf = (role: string) =>
    servers.stagingRoles.has(role) ? role : ownersOfProduction.has(role) ? servers.defaultOwner : undefined;

  await using session = await openStaging(run, next, { search_path: '', synchronous_commit: 'off' });
  const wanted = new Map(inProduction.map((object) => [`${object.type} ${object.identity}`, object.owner]));
  const statements: string[] = [];
  for (const object of await readOwners(session)) {
    const owner = ownerFor(object, wanted, roleOf, servers.defaultOwner);
    if (owner !== object.owner) statements.push(alterOwner(object, ident(owner)));
  }
  const leftOut = await inSchemasOpenTo(session, statements, () => runEach(session, statements));

  const { statements: grants, missingRoles } = readdressPrivileges(privileges, roleOf);
  if (missingRoles.size > 0) {
    run.log.info(
      `privileges of roles that staging does not have are left out: ${[...missingRoles].sort().join(', ')}`,
    );
  }
  return [...leftOut, ...(await runEach(session, grants))];
}

function ownerFor(
  object: OwnedObject,
  wanted: ReadonlyMap<string, string>,
  roleOf: (role: string) => string | undefined,
  defaultOwner: string,
): string {
  // Its own roles own public in every database (pg_database_owner): that follows the database's owner by itself.
  if (object.owner === 'pg_database_owner') return object.owner;
  const inProduction = wanted.get(`${object.type} ${object.identity}`);
  return (inProduction === undefined ? undefined : roleOf(inProduction)) ?? defaultOwner;
}

/** The new owner needs CREATE on the schema (manual, ALTER TABLE), which it may have lost again in production. */
async function inSchemasOpenTo<Result>(
  session: Session,
  statements: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  if (statements.length === 0) return await work();
  const schemas = await session.rows<{ name: string; acl: string | null }>(
    `select nspname::text as name from pg_catalog.pg_namespace
      where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'`,
  );
  const list = schemas.map(({ name }) => ident(name)).join(', ');
  if (list === '') return await work();
  await session.run(`grant create on schema ${list} to public`);
  try {
    return await work();
  } finally {
    await session.run(`revoke create on schema ${list} from public`);
  }
}

/** Runs statements in large texts; where one is refused, that text again one by one, naming the refused. */
async function runEach(session: Session, statements: readonly string[]): Promise<LeftOut[]> {
  const leftOut: LeftOut[] = [];
  for (let first = 0; first < statements.length; first += statementsAtOnce) {
    const batch = statements.slice(first, first + statementsAtOnce);
    const whole = await session.run(batch.join(';\n')).then(
      () => true,
      () => false,
    );
    if (whole) continue;
    for (const statement of batch) {
      try {
        await session.run(statement);
      } catch (error) {
        if (session.lost) throw error;
        leftOut.push({ object: statement, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return leftOut;
}
