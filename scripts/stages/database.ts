import { besideName, formatMarker } from '../model/database-name.ts';
import type { Run } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import { ident, literal } from '../model/table.ts';
import { openProduction, openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';

/** The database that is built beside the live one. */
export interface NextDatabase {
  readonly name: string;
  /** search_path that sessions of this database begin with, as production's do. */
  readonly searchPath: string;
}

/**
 * Creates the next database, empty, with production's encoding, locale and settings, and marks it as ours so that a
 * later run can tell it from anybody else's.
 */
export async function createNext(run: Run, servers: Servers, maintenance: Session): Promise<NextDatabase> {
  const live = servers.staging.name;
  const name = besideName(live, 'next', run.id);
  await maintenance.run(
    `create database ${ident(name)} template template0 ${servers.production.locale}`,
    name,
  );
  const marker = formatMarker({
    kind: 'next',
    of: live,
    run: run.id,
    at: run.startedAt.toISOString(),
    comment: null,
  });
  await maintenance.run(`comment on database ${ident(name)} is ${literal(marker)}`, name);
  const searchPath = await applySettings(run, servers, maintenance, name);
  return { name, searchPath };
}

interface Setting {
  /** `''` for all roles (ALTER DATABASE SET), else the role (ALTER ROLE IN DATABASE SET). */
  role: string;
  setting: string;
  value: string;
}

const settingsQuery = `
  select coalesce(r.rolname::text, '') as role, split_part(c.config, '=', 1) as setting,
         substr(c.config, strpos(c.config, '=') + 1) as value
    from pg_catalog.pg_db_role_setting s
    join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
    left join pg_catalog.pg_roles r on r.oid = s.setrole, unnest(s.setconfig) as c(config)
   where s.setrole = 0 or r.rolname is not null`;

/** ALTER DATABASE SET of production, on top of it staging's own; those of roles that staging lacks are left out. */
async function applySettings(
  run: Run,
  servers: Servers,
  maintenance: Session,
  name: string,
): Promise<string> {
  await using production = await openProduction(run);
  await using live = await openStaging(run, servers.staging.name);
  const settings = new Map<string, Setting>();
  for (const session of [production, live]) {
    for (const row of await session.rows<Setting>(settingsQuery))
      settings.set(`${row.role} ${row.setting}`, row);
  }
  for (const { role, setting, value } of settings.values()) {
    if (role !== '' && !servers.stagingRoles.has(role)) continue;
    const whose = role === '' ? '' : `role ${ident(role)} in `;
    try {
      await maintenance.run(
        `alter ${whose}database ${ident(name)} set ${ident(setting)} to ${listValue(setting, value)}`,
      );
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      run.log.warn(`setting ${setting}${role && ` of ${role}`} is left out: ${why}`);
    }
  }
  return settings.get(' search_path')?.value ?? '"$user", public';
}

/** Settings whose value is a list of identifiers come ready-quoted and would be one name if quoted again (pg_dump's rule). */
const listSettings = new Set([
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'local_preload_libraries',
  'unix_socket_directories',
]);

function listValue(setting: string, value: string): string {
  return listSettings.has(setting) && value !== '' ? value : literal(value);
}
