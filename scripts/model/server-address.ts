import { RefreshError } from './errors.ts';
import { Secret } from './secret.ts';

/** Where a database is and who asks; TLS is always used and always verifies the server. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** PEM text of the authority that signed the server's certificate; absent: the system's authorities. */
  readonly ca?: string;
}

const verifiedModes = ['require', 'verify-ca', 'verify-full'];

/** Parameters that a hosting provider or a person may have put into the URL and that the engine sets itself. */
const ignoredParameters = new Set([
  'sslrootcert',
  'connect_timeout',
  'application_name',
  'target_session_attrs',
  'keepalives',
  'keepalives_idle',
  'channel_binding',
  'gssencmode',
]);

/**
 * Reads a connection URI as PostgreSQL's manual describes it (libpq, section "Connection URIs"): one host, a user, a
 * database. The text is never part of an error, since it holds the password.
 *
 * @param variable the environment variable it came from, for the error.
 * @throws RefreshError `bad-url` with what is wrong and how to repair it.
 */
export function parseConnectionUrl(text: string, variable: string, ca?: string): ServerAddress {
  const url = parse(text.trim(), variable);
  const refuse = (message: string, hint: string) =>
    new RefreshError('bad-url', message, { object: variable, hint });

  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:') {
    throw refuse('the URL does not begin with postgresql://', 'copy the connection string from DigitalOcean');
  }
  if (url.hostname === '')
    throw refuse('the URL names no host', 'postgresql://user:password@host:port/database');
  if (url.username === '')
    throw refuse('the URL names no user', 'postgresql://user:password@host:port/database');
  const database = decode(url.pathname.slice(1), variable);
  if (database === '') throw refuse('the URL names no database', 'add /database after the port');

  for (const [name, value] of url.searchParams) {
    if (name === 'sslmode') {
      if (verifiedModes.includes(value)) continue;
      throw refuse(
        `sslmode=${value} would allow a connection without TLS`,
        'use sslmode=require; the server is verified in any case',
      );
    }
    if (!ignoredParameters.has(name)) {
      throw refuse(`the URL has a parameter that is not supported: ${name}`, 'remove it from the URL');
    }
  }
  return {
    host: decode(url.hostname.replace(/^\[(.*)\]$/, '$1'), variable),
    port: url.port === '' ? 5432 : Number(url.port),
    user: decode(url.username, variable),
    password: new Secret(decode(url.password, variable)),
    database,
    ...(ca ? { ca } : {}),
  };
}

/** `host:port/database`: how a database is named in logs and errors. */
export function describeAddress(address: ServerAddress): string {
  return `${address.host}:${address.port}/${address.database}`;
}

function parse(text: string, variable: string): URL {
  try {
    return new URL(text);
  } catch {
    // The cause is left out on purpose: its message repeats the URL with the password.
    throw new RefreshError('bad-url', 'the value is not a URL', {
      object: variable,
      hint: /^['"]/.test(text)
        ? 'leave out the quotation marks around it'
        : 'encode special characters of the password: @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25',
    });
  }
}

function decode(text: string, variable: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RefreshError('bad-url', 'the URL has a % that is not followed by two hexadecimal digits', {
      object: variable,
      hint: 'encode a literal % as %25',
    });
  }
}
