import type { DigitalOcean } from '../../digitalocean/client.ts';
import type { RefreshError } from '../../model/errors.ts';
import type { ServerAddress } from '../../model/server-address.ts';
import type { DatabaseFacts, Side } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';

export const sides = ['production', 'staging'] as const;

/** One of the two databases, as far as one gets: each part is there if the one before it went well. */
export interface Reached {
  readonly side: Side;
  readonly address?: ServerAddress;
  readonly session?: Session;
  readonly facts?: DatabaseFacts;
  /** What stopped it. */
  readonly error?: RefreshError;
}

/** What the doctor looks at; whatever is wrong with one part, the others are there. */
export interface Patient {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly servers: Readonly<Record<Side, Reached>>;
  /** Undefined where DO_API_TOKEN is not set; an error where it can't be used. */
  readonly api: DigitalOcean | RefreshError | undefined;
  readonly clusterIds: Readonly<Record<Side, string | undefined>>;
}

/** Codes of the errors that say: the server was not reached, TLS did not agree, it did not let us in. */
const network: readonly string[] = ['host-unreachable', 'connection-lost', 'too-many-connections'];
const tls: readonly string[] = ['tls-refused'];
const login: readonly string[] = [
  'bad-url',
  'bad-environment',
  'login-refused',
  'database-missing',
  'not-permitted',
];

export type Hurdle = 'network' | 'tls' | 'login' | 'pooler' | 'other';

/** What stood in the way of a session; `undefined` when there is one. */
export function hurdleOf({ error }: Reached): Hurdle | undefined {
  if (!error) return undefined;
  if (network.includes(error.code)) return 'network';
  if (tls.includes(error.code)) return 'tls';
  if (login.includes(error.code)) return 'login';
  return error.code === 'pooled-connection' ? 'pooler' : 'other';
}

export const urlName = { production: 'PRODUCTION_DB_URL', staging: 'STAGING_DB_URL' } as const;
export const clusterName = { production: 'PROD_DB_CLUSTER_ID', staging: 'STAGING_DB_CLUSTER_ID' } as const;
