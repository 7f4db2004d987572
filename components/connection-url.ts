/** What a PostgreSQL connection string says, decoded. */
export interface ConnectionParts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * The parts of `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?…`, or what is wrong with it. The reason never quotes
 * the text: it holds a password.
 */
export function parseConnectionUrl(text: string): ConnectionParts | { readonly reason: string } {
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) return { reason: shape };
  const missing = [
    url.username === '' && 'the user',
    url.password === '' && 'the password',
    url.hostname === '' && 'the host',
    url.pathname.length < 2 && 'the database',
  ].filter((part) => part !== false);
  if (missing.length > 0) return { reason: `lacks ${missing.join(', ')}: ${shape}` };
  try {
    return {
      host: url.hostname,
      port: url.port === '' ? 5432 : Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return { reason: `has a % that begins no URL encoding: write %25 for it; ${shape}` };
  }
}

/** The database that a connection string names. */
export function databaseOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const parts = parseConnectionUrl(text);
  return 'reason' in parts ? undefined : parts.database;
}

/** A connection string that asks for TLS, with every part encoded. */
export function composeConnectionUrl(parts: ConnectionParts): string {
  const user = encodeURIComponent(parts.user);
  const password = encodeURIComponent(parts.password);
  const database = encodeURIComponent(parts.database);
  return `postgresql://${user}:${password}@${parts.host}:${parts.port}/${database}?sslmode=require`;
}

const shape =
  'it must read postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require, ' +
  'with characters such as @ : / # % in the password URL-encoded';
