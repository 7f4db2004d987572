import { createHash, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { parseBody } from '../body.ts';
import { Refusal } from '../route.ts';
import { type Account, type ClusterRecord, timestamp } from './account.ts';
import { backupsOf } from './backups.ts';
import { baseStorage, defaultVersion, layouts, regions, versions } from './catalogue.ts';
import { acceptRules, ruleSchema } from './firewall.ts';

const uuidOrEmpty = z.union([z.literal(''), z.uuid()]);

const orderSchema = z.object({
  // Length and alphabet are the control panel's; the description says nothing of them.
  name: z.string().regex(/^[a-z](?:[a-z0-9-]{1,61})[a-z0-9]$/, 'invalid cluster name'),
  engine: z.literal('pg', { error: 'the emulation offers the engine pg only' }),
  version: z.string().optional(),
  num_nodes: z.int().min(1).max(3),
  size: z.string(),
  region: z.string(),
  private_network_uuid: uuidOrEmpty.nullish(),
  project_id: uuidOrEmpty.nullish(),
  tags: z.array(z.string()).nullish(),
  rules: z.array(ruleSchema).nullish(),
  storage_size_mib: z.int().min(0).nullish(),
  backup_restore: z
    .object({
      database_name: z.string().min(1),
      backup_created_at: z.iso.datetime({ offset: true }).nullish(),
    })
    .nullish(),
});

/** DigitalOcean's published limit for an account. */
const clusterLimit = 10;

/** A new cluster as the body of `POST /v2/databases` orders it. Throws what the API refuses. */
export function newCluster(account: Account, body: unknown): ClusterRecord {
  const order = parseBody(orderSchema, body);
  const version = order.version || defaultVersion;
  requireRegion(order.region);
  requireLayout(order.size, order.num_nodes);
  if (!versions.some((offer) => offer.version === version)) throw new Refusal(422, 'invalid engine version');
  const { clusters } = account.state;
  if (clusters.some((cluster) => cluster.name === order.name))
    throw new Refusal(422, 'cluster name is not available');
  if (clusters.length >= clusterLimit) throw new Refusal(422, `cluster limit of ${clusterLimit} reached`);
  const now = account.now();
  const restore = order.backup_restore ? findBackup(account, order.backup_restore) : null;
  const storage = Math.max(order.storage_size_mib ?? 0, baseStorage(order.size));
  if (restore) requireRoom(account, restore.clusterId, storage);
  return {
    id: randomUUID(),
    name: order.name,
    created_at: timestamp(now),
    private_network_uuid: order.private_network_uuid || stableUuid(`default network of ${order.region}`),
    project_id: order.project_id || stableUuid('default project'),
    version,
    size: order.size,
    region: order.region,
    num_nodes: order.num_nodes,
    storage_size_mib: storage,
    tags: order.tags ?? [],
    busy: restore ? 'forking' : 'creating',
    ready_at: now.getTime() + account.creatingSeconds * 1000,
    connection: null,
    failure: null,
    restore,
    // A fork has the databases and the users of its origin, with the same passwords.
    ...inherited(account, restore?.clusterId),
    rules: acceptRules(account, [], order.rules ?? []),
    maintenance: { day: 'sunday', hour: '04:00:00' },
    autoscale: { enabled: false },
    events: [],
  };
}

export function requireRegion(region: string): void {
  if (!regions.includes(region)) throw new Refusal(422, 'invalid region');
}

export function requireLayout(size: string, nodes: number): void {
  const layout = layouts.find(({ num_nodes }) => num_nodes === nodes);
  if (!layout) throw new Refusal(422, 'invalid num_nodes');
  if (!layout.sizes.includes(size)) throw new Refusal(422, 'invalid size');
}

/** The same name always gives the same uuid. */
export function stableUuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Published for the control panel's form: a fork is as large as its origin or larger. The words are ours. */
function requireRoom(account: Account, origin: string, storage: number): void {
  const least = account.state.clusters.find(({ id }) => id === origin)?.storage_size_mib ?? 0;
  if (storage < least) throw new Refusal(422, `a fork needs at least its origin's ${least} MiB of storage`);
}

function inherited(account: Account, origin: string | undefined): Pick<ClusterRecord, 'databases' | 'users'> {
  const cluster = account.state.clusters.find(({ id }) => id === origin);
  return { databases: [...(cluster?.databases ?? [])], users: structuredClone(cluster?.users ?? []) };
}

function findBackup(
  account: Account,
  wanted: NonNullable<z.infer<typeof orderSchema>['backup_restore']>,
): NonNullable<ClusterRecord['restore']> {
  const origin = account.state.clusters.find(({ name }) => name === wanted.database_name);
  if (!origin) throw new Refusal(404, 'cluster not found');
  const at = wanted.backup_created_at;
  const backup = backupsOf(origin, account.now()).findLast(
    ({ created_at }) => !at || Date.parse(created_at) === Date.parse(at),
  );
  if (!backup) throw new Refusal(422, 'backup not found');
  return { clusterId: origin.id, at: backup.created_at };
}
