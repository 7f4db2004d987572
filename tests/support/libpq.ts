import type { Login } from '../../scripts/local/session.ts';
import type { TestDatabase } from './servers.ts';

/** What PostgreSQL's own programs need to reach a test database over verified TLS, and nothing of this process's. */
export function libpq(database: TestDatabase, user: 'app' | 'postgres'): Record<string, string> {
  const { username, password } = new URL(database.url(user));
  return libpqAs(database, { user: decodeURIComponent(username), password: decodeURIComponent(password) });
}

/** The same for any login on any database of a test's servers. */
export function libpqAs(
  { server, name }: Pick<TestDatabase, 'server' | 'name'>,
  { user, password }: Login,
): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: name,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: server.caFile,
    PGOPTIONS: '-c client_min_messages=error',
  };
}
