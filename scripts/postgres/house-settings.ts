/**
 * Settings of every session. Limits that an administrator set for people must not end an hour of copying; RLS must be
 * an error rather than fewer rows; and text must mean the same on both sides, as pg_dump sees to it.
 */
export const houseSettings: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  lock_timeout: '0',
  // A reader that is serializable and deferrable by default would wait for every writer that is (manual, SET TRANSACTION).
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  row_security: 'off',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  // Off, a NULL in an array would be read as the word.
  array_nulls: 'on',
  // On one side alone, either would have the same definition told in two ways.
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  xmloption: 'content',
  lc_monetary: 'C',
  standard_conforming_strings: 'on',
  synchronize_seqscans: 'off',
  // A server whose client is gone shall notice and end the session: a snapshot that nobody reads any more must not hold
  // back production's vacuum. No tcp_user_timeout: it would also count the time in which we hold a COPY back.
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
  client_connection_check_interval: '10s',
};

/**
 * For PostgreSQL's own programs where they connect by themselves: limits of an administrator's would end a session before
 * its first statement could set them aside, and a server whose client is gone would keep its snapshot and its locks; names
 * as both sides write them. Every version that we know has these.
 */
export const programSettings = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'quote_all_identifiers',
  'tcp_keepalives_idle',
  'tcp_keepalives_interval',
  'tcp_keepalives_count',
  'client_connection_check_interval',
]
  .map((name) => `-c ${name}=${houseSettings[name]}`)
  .join(' ');

/** Those that a server of this major version knows beside the house's, which all know. */
export function laterSettings(major: number): Readonly<Record<string, string>> {
  return major >= 17 ? { transaction_timeout: '0' } : {};
}

/** The house's settings and these on top of them, for a session that stands already; what its server lacks is left out. */
export async function applySettings(
  session: { rows(sql: string, parameters: readonly unknown[]): Promise<unknown> },
  settings: Readonly<Record<string, string | null>> = {},
): Promise<void> {
  await session.rows(
    `select set_config(name, setting, false)
       from jsonb_each_text($1::jsonb) as wanted(name, setting)
      where exists (select from pg_catalog.pg_settings where pg_settings.name = lower(wanted.name)) or name like '%.%'`,
    [JSON.stringify({ ...houseSettings, ...laterSettings(Number.POSITIVE_INFINITY), ...settings })],
  );
}
