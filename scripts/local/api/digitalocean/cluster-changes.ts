import * as z from 'zod';
import { parseBody } from '../body.ts';
import { Refusal } from '../route.ts';
import type { DigitalOceanRequest, ScopedRoute } from './access.ts';
import { type Account, type ClusterRecord, clusterOf } from './account.ts';
import { baseStorage, capacity, versions } from './catalogue.ts';
import { requireLayout, requireRegion } from './cluster-order.ts';
import { makeBusy, recordEvent, requireOnline } from './lifecycle.ts';

const path = '/v2/databases/:cluster';

const resizeSchema = z.object({
  size: z.string(),
  num_nodes: z.int().min(1).max(3),
  storage_size_mib: z.int().min(0).nullish(),
});
const migrateSchema = z.object({ region: z.string() });
const upgradeSchema = z.object({ version: z.string() });
const maintenanceSchema = z.object({
  day: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])),
  hour: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/, 'must be a time such as 14:00'),
});
const autoscaleSchema = z.object({
  storage: z.object({
    enabled: z.boolean(),
    threshold_percent: z.int().min(15).max(95).optional(),
    increment_gib: z.int().min(10).max(500).optional(),
  }),
});

/** What changes a cluster in place. The local server behind it stays as it is: only the books change. */
export function clusterChangeRoutes(account: Account): readonly ScopedRoute[] {
  const change = (
    action: string,
    handle: (cluster: ClusterRecord, body: unknown) => number,
  ): ScopedRoute => ({
    method: 'PUT',
    path: `${path}/${action}`,
    scope: 'database:update',
    handle(request: DigitalOceanRequest) {
      const cluster = clusterOf(account, request);
      const status = handle(cluster, request.body);
      recordEvent(account, cluster, 'cluster_update');
      return { status };
    },
  });
  return [
    change('resize', (cluster, body) => resize(account, cluster, body)),
    change('migrate', (cluster, body) => migrate(account, cluster, body)),
    change('upgrade', (cluster, body) => upgrade(account, cluster, body)),
    change('install_update', (cluster) => {
      requireOnline(account, cluster);
      return 204;
    }),
    change('maintenance', (cluster, body) => {
      cluster.maintenance = parseBody(maintenanceSchema, body);
      return 204;
    }),
    change('autoscale', (cluster, body) => {
      cluster.autoscale = parseBody(autoscaleSchema, body).storage;
      return 204;
    }),
    {
      method: 'GET',
      path: `${path}/autoscale`,
      scope: 'database:read',
      handle: (request) => ({
        status: 200,
        body: { autoscale: { storage: clusterOf(account, request).autoscale } },
      }),
    },
    {
      method: 'GET',
      path: `${path}/ca`,
      scope: 'database:read',
      handle: (request) => certificate(account, request),
    },
  ];
}

function resize(account: Account, cluster: ClusterRecord, body: unknown): number {
  const { size, num_nodes, storage_size_mib } = parseBody(resizeSchema, body);
  requireLayout(size, num_nodes);
  requireOnline(account, cluster);
  const storage = storage_size_mib || Math.max(cluster.storage_size_mib, baseStorage(size));
  if (capacity(size).memory < capacity(cluster.size).memory || storage < cluster.storage_size_mib) {
    throw new Refusal(422, 'nodes cannot be resized down');
  }
  Object.assign(cluster, { size, num_nodes, storage_size_mib: storage });
  makeBusy(account, cluster, 'resizing');
  return 202;
}

function migrate(account: Account, cluster: ClusterRecord, body: unknown): number {
  const { region } = parseBody(migrateSchema, body);
  requireRegion(region);
  requireOnline(account, cluster);
  cluster.region = region;
  makeBusy(account, cluster, 'migrating');
  return 202;
}

function upgrade(account: Account, cluster: ClusterRecord, body: unknown): number {
  const { version } = parseBody(upgradeSchema, body);
  if (!versions.some((offer) => offer.version === version)) throw new Refusal(422, 'invalid engine version');
  if (Number(version) <= Number(cluster.version))
    throw new Refusal(422, 'version must be newer than the present one');
  requireOnline(account, cluster);
  cluster.version = version;
  return 204;
}

function certificate(account: Account, request: DigitalOceanRequest) {
  const { connection } = clusterOf(account, request);
  if (!connection) throw new Refusal(404, 'the cluster has no certificate yet');
  return { status: 200, body: { ca: { certificate: Buffer.from(connection.ca).toString('base64') } } };
}
