/**
 * Options of a column whose names begin with `pg_` are the server's own, and no statement may set them (manual,
 * pg_attribute). The first is `pg_attver` of November 2026: PostgreSQL 15.20 and 17.12 mark each new or altered column
 * with it. Their pg_dump leaves it out, an older one writes it as the user's, and then no server takes its definitions. So
 * the older one's question is put in the words of the newer.
 *
 * @param statement any statement; only pg_dump's question about columns is changed.
 */
export function withoutServersOwnOptions(statement: string): string {
  if (!/^select\b/i.test(statement)) return statement;
  return statement.replace(
    "array_to_string(a.attoptions, ', ') AS attoptions",
    "array_to_string(array(select o from unnest(a.attoptions) o where not starts_with(o, 'pg_')), ', ') AS attoptions",
  );
}
