import * as z from 'zod';
import { parseBody } from '../body.ts';
import { param, Refusal } from '../route.ts';
import type { DigitalOceanRequest, ScopedRoute } from './access.ts';
import { type Account, type ClusterRecord, clusterOf } from './account.ts';
import { requireOnline } from './lifecycle.ts';
import { memberRoutes } from './member.ts';

const path = '/v2/databases/:cluster/dbs';

/** PostgreSQL's longest name has 63 bytes. */
const databaseSchema = z.object({ name: z.string().regex(/^\w[\w-]{0,62}$/, 'invalid database name') });

export function databaseRoutes(account: Account): readonly ScopedRoute[] {
  return memberRoutes(path, 'database', {
    list: (request) => ({
      status: 200,
      body: { dbs: clusterOf(account, request).databases.map((name) => ({ name })) },
    }),
    create: (request) => create(account, request),
    read: (request) => ({
      status: 200,
      body: { db: { name: databaseOf(clusterOf(account, request), request) } },
    }),
    drop: (request) => drop(account, request),
  });
}

async function create(account: Account, request: DigitalOceanRequest) {
  const cluster = clusterOf(account, request);
  const { name } = parseBody(databaseSchema, request.body);
  requireOnline(account, cluster);
  if (cluster.databases.includes(name)) throw new Refusal(422, 'database name is not available');
  await account.host.createDatabase(cluster.id, name);
  cluster.databases.push(name);
  return { status: 201, body: { db: { name } } };
}

async function drop(account: Account, request: DigitalOceanRequest) {
  const cluster = clusterOf(account, request);
  const name = databaseOf(cluster, request);
  if (name === cluster.connection?.database)
    throw new Refusal(422, `the default database ${name} cannot be deleted`);
  requireOnline(account, cluster);
  await account.host.dropDatabase(cluster.id, name);
  cluster.databases = cluster.databases.filter((each) => each !== name);
  return { status: 204 };
}

function databaseOf(cluster: ClusterRecord, request: DigitalOceanRequest): string {
  const name = param(request, 'database');
  if (!cluster.databases.includes(name)) throw new Refusal(404, 'database not found');
  return name;
}
