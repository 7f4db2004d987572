import { randomUUID } from 'node:crypto';
import type { ClusterHost } from './cluster-host.ts';
import { type Access, type DigitalOceanToken, guard, type ScopedRoute } from './digitalocean/access.ts';
import type { Account, AccountState } from './digitalocean/account.ts';
import { backupRoutes } from './digitalocean/backups.ts';
import { clusterChangeRoutes } from './digitalocean/cluster-changes.ts';
import { stableUuid } from './digitalocean/cluster-order.ts';
import { clusterRoutes } from './digitalocean/clusters.ts';
import { databaseRoutes } from './digitalocean/databases.ts';
import { firewallRoutes } from './digitalocean/firewall.ts';
import { Provisioning } from './digitalocean/lifecycle.ts';
import { optionRoutes } from './digitalocean/options.ts';
import { type ProductionCluster, seedProduction } from './digitalocean/production.ts';
import { userRoutes } from './digitalocean/users.ts';
import { RateLimit } from './rate-limit.ts';
import { type Answer, Refusal } from './route.ts';
import { type Api, type ApiServer, serveApi } from './server.ts';
import { openState } from './state.ts';

export interface DigitalOceanOptions {
  readonly stateFile: string;
  /** A token with full access. */
  readonly token: string;
  readonly otherTokens?: readonly DigitalOceanToken[];
  readonly port?: number;
  readonly host: ClusterHost;
  readonly production: ProductionCluster;
  /** How long a new, resized or migrated cluster is busy at least; 1 unless said. */
  readonly creatingSeconds?: number;
  /** File that gets one line a request. */
  readonly log?: string;
  /** DigitalOcean's own limit is 5000. */
  readonly requestsPerHour?: number;
  /** The time, for tests. */
  readonly now?: () => Date;
}

/** Serves DigitalOcean's databases API on loopback, over the servers of `host`. State outlives the process. */
export async function serveDigitalOcean(options: DigitalOceanOptions): Promise<ApiServer> {
  const file = openState<AccountState>(options.stateFile, () => ({ clusters: [] }));
  const account: Account = {
    state: file.value,
    host: options.host,
    creatingSeconds: options.creatingSeconds ?? 1,
    now: options.now ?? (() => new Date()),
    save: () => file.save(),
  };
  seedProduction(account, options.production);
  file.save();
  const provisioning = new Provisioning(account);
  const server = await serveApi(describeApi(account, provisioning, options), options);
  provisioning.resume();
  return {
    url: server.url,
    async close() {
      await server.close();
      await provisioning.settled();
    },
  };
}

/** Every call that the emulation answers, with the scope that it needs. */
export function digitalOceanRoutes(account: Account, provisioning: Provisioning): readonly ScopedRoute[] {
  return [
    { method: 'GET', path: '/v2/account', scope: 'account:read', handle: describeAccount },
    ...optionRoutes(),
    ...clusterRoutes(account, provisioning),
    ...clusterChangeRoutes(account),
    ...firewallRoutes(account),
    ...databaseRoutes(account),
    ...userRoutes(account),
    ...backupRoutes(account),
  ];
}

function describeApi(
  account: Account,
  provisioning: Provisioning,
  options: DigitalOceanOptions,
): Api<Access> {
  const limit = new RateLimit(options.requestsPerHour ?? 5000);
  const tokens: readonly DigitalOceanToken[] = [
    { token: options.token, scopes: 'full' },
    ...(options.otherTokens ?? []),
  ];
  return {
    routes: digitalOceanRoutes(account, provisioning).map(guard),
    authenticate(authorization) {
      const token = tokens.find((each) => authorization === `Bearer ${each.token}`);
      if (!token) throw new Refusal(401, 'Unable to authenticate you');
      const standing = limit.count(token.token);
      if (standing.exceeded) throw tooManyRequests(standing.reset);
      return { scopes: token.scopes, standing };
    },
    headers: (access) => ({ 'x-request-id': randomUUID(), ...(access && rateHeaders(access)) }),
    refusal: refusalAnswer,
    written: () => account.save(),
  };
}

function rateHeaders({ standing }: Access): Record<string, string> {
  return {
    'ratelimit-limit': String(standing.limit),
    'ratelimit-remaining': String(standing.remaining),
    'ratelimit-reset': String(standing.reset),
  };
}

function tooManyRequests(reset: number): Refusal {
  const seconds = Math.max(reset - Math.floor(Date.now() / 1000), 1);
  return new Refusal(
    429,
    'API Rate limit exceeded.',
    {},
    {
      'retry-after': String(seconds),
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(reset),
    },
  );
}

const refusalIds: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'request_too_large',
  422: 'unprocessable_entity',
  429: 'too_many_requests',
};

function refusalAnswer({ status, message }: Refusal): Answer {
  return { status, body: { id: refusalIds[status] ?? 'server_error', message, request_id: randomUUID() } };
}

/** The account of a team of one, with the limits of a new one. */
function describeAccount(): Answer {
  return {
    status: 200,
    body: {
      account: {
        droplet_limit: 25,
        floating_ip_limit: 5,
        email: 'team@example.com',
        name: 'Local stack',
        uuid: stableUuid('account'),
        email_verified: true,
        status: 'active',
        status_message: '',
      },
    },
  };
}
