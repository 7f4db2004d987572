import type { DatabaseFacts } from '../../model/servers.ts';
import { literal } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

interface Row {
  oid: number;
  systemIdentifier: string;
  name: string;
  owner: string;
  version: string;
  versionNumber: number;
  inRecovery: boolean;
  encoding: string;
  bytes: string;
  comment: string | null;
  connectionLimit: number;
  isTemplate: boolean;
  tablespace: string | null;
  connectionsLeft: number;
  lockCapacity: number;
  database: Record<string, string | null>;
}

/** What the session's own database and server say about themselves. */
export async function readFacts(session: Session): Promise<DatabaseFacts> {
  // to_jsonb: the locale columns have other names in 14, 15, 16 and 17.
  const { database, bytes, ...facts } = await session.row<Row>(`
    select d.oid, (select system_identifier::text from pg_catalog.pg_control_system()) as "systemIdentifier",
           d.datname as name, pg_catalog.pg_get_userbyid(d.datdba) as owner,
           current_setting('server_version') as version,
           current_setting('server_version_num')::int as "versionNumber",
           pg_catalog.pg_is_in_recovery() as "inRecovery",
           pg_catalog.pg_encoding_to_char(d.encoding) as encoding,
           pg_catalog.pg_database_size(d.oid) as bytes,
           pg_catalog.shobj_description(d.oid, 'pg_database') as comment,
           d.datconnlimit as "connectionLimit", d.datistemplate as "isTemplate",
           (select t.spcname::text from pg_catalog.pg_tablespace t
             where t.oid = d.dattablespace and t.spcname <> 'pg_default') as tablespace,
           least(case when r.rolconnlimit >= 0 and not r.rolsuper then r.rolconnlimit - used.ours end,
                 current_setting('max_connections')::int - used.every
                   - case when r.rolsuper then 0 else current_setting('superuser_reserved_connections')::int
                       + coalesce(current_setting('reserved_connections', true)::int, 0) end)::int as "connectionsLeft",
           current_setting('max_locks_per_transaction')::int
             * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)
             as "lockCapacity",
           to_jsonb(d) - 'datacl' as database
      from pg_catalog.pg_database d
      join pg_catalog.pg_roles r on r.rolname = session_user
     cross join lateral (
           select count(*) as every, count(*) filter (where usesysid = r.oid) as ours from pg_catalog.pg_stat_activity
            where backend_type = 'client backend'
              and (usesysid <> r.oid or application_name <> current_setting('application_name'))) used
     where d.datname = current_database()`);
  return { ...facts, bytes: Number(bytes), locale: localeClause(facts.encoding, database) };
}

/** CREATE DATABASE's options for a database with the same encoding, locale provider and collation. */
function localeClause(encoding: string, database: Record<string, string | null>): string {
  const locale = database.datlocale ?? database.daticulocale;
  const rules = database.daticurules;
  const options = [
    `encoding ${literal(encoding)}`,
    `lc_collate ${literal(database.datcollate ?? 'C')}`,
    `lc_ctype ${literal(database.datctype ?? 'C')}`,
  ];
  if (database.datlocprovider === 'i' && locale) {
    options.push('locale_provider icu', `icu_locale ${literal(locale)}`);
    if (rules) options.push(`icu_rules ${literal(rules)}`);
  } else if (database.datlocprovider === 'b' && locale) {
    options.push('locale_provider builtin', `builtin_locale ${literal(locale)}`);
  } else if (database.datlocprovider) {
    options.push('locale_provider libc');
  }
  return options.join(' ');
}
