import type { Arrival } from '../../model/arrival.ts';
import { serversOwn } from '../../model/database-name.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import type { DatabaseFacts, Servers } from '../../model/servers.ts';
import { ident } from '../../model/table.ts';
import { mayActFor } from '../../postgres/membership.ts';
import { openProduction, openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { readArrival } from './arrival.ts';
import { readGoing } from './going.ts';
import { requireLocksInPlace } from './locks.ts';
import { readStanding } from './standing.ts';

const namedAtMost = 5;

/**
 * Proves before the first statement that the live database can be emptied and filled again in one transaction, by a role
 * that may neither create databases nor end other roles' sessions. Grants itself membership where it may.
 *
 * @param lookOnly not even that lasts.
 * @throws RefreshError `not-permitted`, `protected-database`, `bad-policy`, `locks-insufficient`.
 */
export async function requireInPlace(
  run: Run,
  facts: Pick<Servers, 'production' | 'staging'>,
  lookOnly = false,
): Promise<void> {
  await using production = await openProduction(run);
  const arrival = await readArrival(production, facts.production);
  await requireArrival(run, facts.staging, arrival, lookOnly);
}

/** The same for what comes from anywhere. */
export async function requireArrival(
  run: Run,
  facts: DatabaseFacts,
  arrival: Arrival,
  lookOnly = false,
): Promise<void> {
  await using staging = await openStaging(run, facts.name, { search_path: '' });
  if (lookOnly) await staging.run('begin');
  if (serversOwn.includes(facts.name)) {
    throw new RefreshError('protected-database', `${facts.name} is the server’s own`, {
      object: 'STAGING_DB_URL',
      hint: 'name a database of the application’s own',
    });
  }
  refuseCommand(run);
  await refuseRehearsal(run, staging);
  await requireSameMeaning(staging, facts, arrival);
  warnOfOtherOrder(run, facts, arrival);
  await refuseForcedRowSecurity(staging, arrival);
  await requireDroppable(staging, facts);
  await requireLocksInPlace(staging, facts, arrival.locks);
}

/** A command connects by itself, and nobody else can see what is not committed. */
function refuseCommand(run: Run): void {
  const { policy } = run.config;
  if (!policy || policy.beforePublish.command === null) return;
  throw new RefreshError(
    'bad-policy',
    'before-publish: command can’t work in place: it could not see what is not committed yet',
    {
      object: policy.file,
      hint: 'write it as SQL files (before-publish: sql), run it by hand afterwards, or use --strategy swap',
    },
  );
}

/** A rehearsal restores into a database of its own. */
async function refuseRehearsal(run: Run, staging: Session): Promise<void> {
  if (!run.config.artifact?.rehearse) return;
  const { user, creates } = await staging.row<{ user: string; creates: boolean }>(
    `select rolname::text as "user", rolcreatedb or rolsuper as creates
       from pg_catalog.pg_roles where rolname = current_user`,
  );
  if (!creates) throw notPermitted(user, 'may not create a database to rehearse in', 'leave --rehearse out');
}

/** What a database has from its creation stays, and what an extension has made stays where it is. */
async function requireSameMeaning(
  staging: Session,
  facts: DatabaseFacts,
  { encoding, extensions }: Arrival,
): Promise<void> {
  if (encoding !== null && encoding !== facts.encoding) {
    throw new RefreshError(
      'not-permitted',
      `the database has the encoding ${facts.encoding}, production’s ${encoding}: only a new database can have another one`,
      { object: `staging database ${facts.name}`, hint: 'use --strategy swap' },
    );
  }
  const query = `select e.extname::text as name, n.nspname::text as schema
                   from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace`;
  const here = new Map(
    (await staging.rows<{ name: string; schema: string }>(query)).map(({ name, schema }) => [name, schema]),
  );
  for (const { name, schema } of extensions) {
    const other = here.get(name);
    if (other === undefined || schema === null || other === schema) continue;
    throw new RefreshError(
      'not-permitted',
      `the extension ${name} is in the schema ${other}, in production in ${schema}: it would not be found`,
      {
        object: `staging database ${facts.name}`,
        hint: `ALTER EXTENSION ${ident(name)} SET SCHEMA ${ident(schema)}; or DROP EXTENSION ${ident(name)}; as its owner`,
      },
    );
  }
}

/** Its collation a database has from its creation, too. Every value arrives, so that is no reason to refuse it. */
function warnOfOtherOrder(run: Run, facts: DatabaseFacts, { locale }: Arrival): void {
  if (locale === null) return;
  const [there, here] = [locale, facts.locale].map(collationOf);
  if (there === here) return;
  run.log.warn(
    `in place the database keeps its own collation (${here}; production: ${there}): texts may be sorted, compared and made upper case otherwise than there; --strategy swap makes one with production’s`,
  );
}

/** Of CREATE DATABASE's options. 14 has but one provider and names none; `UTF-8` and `utf8` are one. */
function collationOf(options: string): string {
  return options
    .replace(/^encoding '[^']*' /, '')
    .replace(/ locale_provider libc$/, '')
    .replaceAll(/\.utf-?8(?=')/gi, '.utf8');
}

/** Who owns a table with FORCE ROW LEVEL SECURITY can't read back what was just loaded into it. */
async function refuseForcedRowSecurity(staging: Session, arrival: Arrival): Promise<void> {
  const { user, bypass } = await staging.row<{ user: string; bypass: boolean }>(
    `select rolname::text as "user", rolbypassrls or rolsuper as bypass
       from pg_catalog.pg_roles where rolname = current_user`,
  );
  if (bypass) return;
  const [forced] = arrival.forced;
  if (forced === undefined) return;
  throw notPermitted(
    user,
    `could not read back ${forced}, which has FORCE ROW LEVEL SECURITY`,
    `as an administrator of staging: ALTER ROLE ${ident(user)} BYPASSRLS;`,
  );
}

async function requireDroppable(session: Session, facts: DatabaseFacts): Promise<void> {
  const { user, superuser, creates } = await session.row<{
    user: string;
    superuser: boolean;
    creates: boolean;
  }>(
    `select rolname::text as "user", rolsuper as superuser,
            pg_catalog.has_database_privilege(current_database(), 'CREATE')
              and pg_catalog.has_database_privilege(current_database(), 'TEMPORARY') as creates
       from pg_catalog.pg_roles where rolname = current_user`,
  );
  if (superuser) return;
  if (!creates)
    throw notPermitted(user, 'may not create schemas and temporary tables', grantCreate(facts, user));
  const going = await readGoing(session, await readStanding(session));
  const server = { staging: facts, stagingUser: user };
  const foreign = new Set<string>();
  for (const owner of new Set(going.map((object) => object.owner))) {
    if (owner === '' || !(await mayActFor(session, server, owner))) foreign.add(owner);
  }
  const refused = going.filter(({ owner }) => foreign.has(owner));
  if (refused.length > 0) {
    const names = refused
      .slice(0, namedAtMost)
      .map(({ type, identity, owner }) => `${type} ${identity} of ${owner || 'a superuser'}`);
    const more = refused.length > namedAtMost ? ` and ${refused.length - namedAtMost} more` : '';
    throw notPermitted(
      user,
      `can’t drop ${names.join(', ')}${more}`,
      `as an administrator of staging: REASSIGN OWNED BY … TO ${ident(user)}; or GRANT the owner’s role TO ${ident(user)};`,
    );
  }
}

function notPermitted(user: string, message: string, hint: string): RefreshError {
  return new RefreshError('not-permitted', message, { object: `staging role ${user}`, hint });
}

function grantCreate({ name }: DatabaseFacts, user: string): string {
  return `as the database’s owner: GRANT CREATE, TEMPORARY ON DATABASE ${ident(name)} TO ${ident(user)};`;
}
