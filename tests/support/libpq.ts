import type { TestDatabase } from './servers.ts';

/** What PostgreSQL's own programs need to reach a test database over verified TLS, and nothing of this process's. */
export function libpq(database: TestDatabase, user: 'app' | 'postgres'): Record<string, string> {
  const url = new URL(database.url(user));
  return {
    PATH: process.env.PATH ?? '',
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: url.username,
    PGPASSWORD: decodeURIComponent(url.password),
    PGDATABASE: database.name,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: database.server.caFile,
    PGOPTIONS: '-c client_min_messages=error',
  };
}
