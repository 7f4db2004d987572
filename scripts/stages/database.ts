import { besideName, formatMarker } from '../model/database-name.ts';
import { asError, RefreshError } from '../model/errors.ts';
import type { StagingRun } from '../model/run.ts';
import type { StagingServer } from '../model/servers.ts';
import { ident, literal } from '../model/table.ts';
import { userSchema } from '../postgres/catalog.ts';
import { namesOf } from '../postgres/name-list.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';

/** The database that is built beside the live one. */
export interface NextDatabase {
  readonly name: string;
  /** search_path that sessions of this database begin with, as production's do. */
  readonly searchPath: string;
}

/** What the next database has of the one that it is a copy of, beside its content. */
export interface DatabaseOrigin {
  /** CREATE DATABASE's options. */
  readonly locale: string;
  readonly settings: Setting[];
  /** Schemas that `"$user"` in a search_path stands for: owners’ own, and those that their roles have in their search_path. */
  readonly userSchemas: string[];
}

/** Reads it from production. */
export async function readOrigin(production: Session, locale: string): Promise<DatabaseOrigin> {
  const [settings, schemas, paths] = await allDone([
    production.rows<Setting>(settingsQuery('current_database()')),
    production.rows<{ name: string }>(userSchemaQuery),
    production.rows<{ path: string }>(ownPathQuery),
  ]);
  const own = paths.flatMap(({ path }) => namesOf(path)).filter((name) => name !== '$user');
  return { locale, settings, userSchemas: [...new Set([...schemas.map(({ name }) => name), ...own])] };
}

/**
 * Creates the next database, empty, with production's encoding, locale and settings, and marks it as ours so that a
 * later run can tell it from anybody else's.
 */
export async function createNext(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  origin: DatabaseOrigin,
  ready: (next: NextDatabase) => void = () => undefined,
): Promise<NextDatabase> {
  const live = server.staging.name;
  const name = besideName(live, 'next', run.id);
  const [, own] = await allDone([
    create(run, server, maintenance, name, origin.locale),
    readSettings(maintenance, live),
  ]);
  const marker = formatMarker({
    kind: 'next',
    of: live,
    run: run.id,
    at: run.startedAt.toISOString(),
    comment: null,
  });
  // Whoever may read all data of staging's shall not look at rows that nobody has verified, or masked: see publish.ts.
  const marks = [
    `comment on database ${ident(name)} is ${literal(marker)}`,
    `revoke connect on database ${ident(name)} from public`,
  ];
  const marking = maintenance.run(marks.join(';\n'), name);
  const carrying = async () => {
    const next = { name, searchPath: await carrySettings(run, server, maintenance, name, origin, own) };
    ready(next);
    return next;
  };
  const [, next] = await allDone([marking, carrying()]);
  return next;
}

/** Where the live one lies there is room for its like. */
async function create(
  run: StagingRun,
  { staging: { tablespace } }: StagingServer,
  maintenance: Session,
  name: string,
  locale: string,
): Promise<void> {
  const statement = `create database ${ident(name)} template template0 ${locale}`;
  if (tablespace === null) return await maintenance.run(statement, name);
  try {
    await maintenance.run(`${statement} tablespace ${ident(tablespace)}`, name);
  } catch (error) {
    if (!(error instanceof RefreshError) || error.code !== 'not-permitted') throw error;
    run.log.warn(`staging moves from the tablespace ${tablespace} to the default one: ${error.message}`);
    await maintenance.run(statement, name);
  }
}

export interface Setting {
  /** `''` for all roles (ALTER DATABASE SET), else the role (ALTER ROLE IN DATABASE SET). */
  readonly role: string;
  readonly setting: string;
  readonly value: string;
}

/** They are in a shared catalog: any database of the server tells. @param database SQL for its name. */
const settingsQuery = (database: string) => `
  select coalesce(r.rolname::text, '') as role, split_part(c.config, '=', 1) as setting,
         substr(c.config, strpos(c.config, '=') + 1) as value
    from pg_catalog.pg_db_role_setting s
    join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = ${database}
    left join pg_catalog.pg_roles r on r.oid = s.setrole, unnest(s.setconfig) as c(config)
   where s.setrole = 0 or r.rolname is not null`;

/** Those of one of the server's databases. */
export function readSettings(session: Session, database: string): Promise<Setting[]> {
  return session.rows<Setting>(settingsQuery(literal(database)));
}

/**
 * ALTER DATABASE SET of production, on top of it staging's own; those of roles that staging lacks are left out. The live
 * database itself has its own already.
 *
 * @param own from readSettings.
 * @returns the search_path that its sessions begin with.
 */
export async function carrySettings(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  name: string,
  origin: DatabaseOrigin,
  own: readonly Setting[],
): Promise<string> {
  const settings = new Map<string, Setting>();
  for (const row of [...origin.settings, ...own]) settings.set(`${row.role} ${row.setting}`, row);
  for (const row of settings.values()) {
    const { role, setting, value } = row;
    if (role !== '' && !server.stagingRoles.has(role)) continue;
    if (setting === 'role' && !own.includes(row) && (role === '' || role === server.stagingUser)) {
      run.log.warn(`setting role${role && ` of ${role}`} is left out: the refresh itself would be ${value}`);
      continue;
    }
    if (name === server.staging.name && own.includes(row)) continue;
    const refused = await carrySetting(maintenance, name, row);
    if (refused) run.log.warn(refused);
  }
  return expandUser(origin.userSchemas, settings.get(' search_path')?.value ?? '"$user", public');
}

/**
 * The settings of the staging in use, on top of those that the fork has of production.
 *
 * @returns what could not be set, and why.
 */
export async function takeSettings(
  previous: Session,
  maintenance: Session,
  server: StagingServer,
): Promise<string[]> {
  const refused: string[] = [];
  for (const row of await previous.rows<Setting>(settingsQuery('current_database()'))) {
    if (row.role !== '' && !server.stagingRoles.has(row.role)) continue;
    const why = await carrySetting(maintenance, server.staging.name, row);
    if (why) refused.push(why);
  }
  return refused;
}

/** @returns what is told of one that the server refuses: it is left out. */
async function carrySetting(
  maintenance: Session,
  database: string,
  { role, setting, value }: Setting,
): Promise<string | undefined> {
  const whose = role === '' ? '' : `role ${ident(role)} in `;
  try {
    await maintenance.attempt(
      `alter ${whose}database ${ident(database)} set ${ident(setting)} to ${listValue(setting, value)}`,
    );
    return undefined;
  } catch (error) {
    if (maintenance.lost) throw error;
    return `setting ${setting}${role && ` of ${role}`} is left out: ${asError(error).message}`;
  }
}

/** The search_path that sessions of the database began with where that was read from. */
export function searchPathOf({ settings, userSchemas }: DatabaseOrigin): string {
  const own = settings.find(({ role, setting }) => role === '' && setting === 'search_path');
  return expandUser(userSchemas, own?.value ?? '"$user", public');
}

/**
 * `"$user"` means another schema for us than for the roles that own production's objects, whose CHECKs and functions
 * may find their helpers that way; so it stands for those roles' schemas here.
 */
function expandUser(userSchemas: readonly string[], searchPath: string): string {
  const path = namesOf(searchPath).flatMap((name) => (name === '$user' ? userSchemas : name));
  // SET takes no empty name, and pg_catalog is on every path.
  const named = path.filter((name) => name !== '').map(ident);
  return named.length > 0 ? named.join(', ') : 'pg_catalog';
}

const userSchemaQuery = `select n.nspname::text as name
     from pg_catalog.pg_namespace n join pg_catalog.pg_roles r on r.rolname = n.nspname
    where exists (select from pg_catalog.pg_class c where c.relowner = r.oid)
       or exists (select from pg_catalog.pg_database d where d.datdba = r.oid and d.datname = current_database())
    order by n.nspname`;

/** What ALTER ROLE SET says to those that own tables: their functions find their helpers so, and no dump of a database tells. */
const ownPathQuery = `select distinct substr(c.config, strpos(c.config, '=') + 1) as path
     from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) as c(config)
    where c.config like 'search_path=%'
      and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
      and exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                   where c.relowner = s.setrole and c.relkind in ('r', 'p') and ${userSchema})
    order by 1`;

/** Settings whose value is a list of names would be one name if quoted as a whole (pg_dump's rule); true: of schemas. */
const listSettings: Readonly<Record<string, boolean>> = {
  search_path: true,
  temp_tablespaces: true,
  session_preload_libraries: false,
  local_preload_libraries: false,
  unix_socket_directories: false,
};

function listValue(setting: string, value: string): string {
  const fold = listSettings[setting];
  const names = fold === undefined ? [value] : namesOf(value, fold);
  return names.length > 0 ? names.map(literal).join(', ') : "''";
}
