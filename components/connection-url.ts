import { RefreshError } from '../scripts/model/errors.ts';
import { parseConnectionUrl } from '../scripts/model/server-address.ts';

/** What a PostgreSQL connection string says, decoded. */
interface ConnectionParts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * What the engine would refuse a connection string for, or that it has no password; undefined where all is well. Never
 * quotes the text: it holds a password.
 */
export function connectionUrlProblem(text: string): string | undefined {
  try {
    const { password } = parseConnectionUrl(text, '');
    return password.reveal() === '' ? `the URL has no password: ${shape}` : undefined;
  } catch (error) {
    return error instanceof RefreshError ? `${error.message}: ${error.hint ?? shape}` : shape;
  }
}

/** The database that a connection string names. */
export function databaseOf(text: string | undefined): string | undefined {
  if (text === undefined || connectionUrlProblem(text) !== undefined) return undefined;
  return parseConnectionUrl(text, '').database;
}

/** A connection string that asks for TLS, with every part encoded. */
export function composeConnectionUrl(parts: ConnectionParts): string {
  const user = encodeURIComponent(parts.user);
  const password = encodeURIComponent(parts.password);
  const database = encodeURIComponent(parts.database);
  return `postgresql://${user}:${password}@${parts.host}:${parts.port}/${database}?sslmode=require`;
}

const shape = 'it must read postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require';
