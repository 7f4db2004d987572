import type { ClusterConnection } from '../cluster-host.ts';
import { type Account, type ClusterRecord, timestamp } from './account.ts';
import { baseStorage, defaultVersion } from './catalogue.ts';
import { stableUuid } from './cluster-order.ts';
import { acceptRules } from './firewall.ts';
import { takeConnection } from './lifecycle.ts';

/** The production cluster that the account has from the beginning. Its server exists already. */
export interface ProductionCluster {
  readonly id: string;
  readonly name: string;
  readonly connection: ClusterConnection;
  readonly version?: string;
  readonly size?: string;
  readonly region?: string;
  readonly nodeCount?: number;
  /** ISO 8601; its daily backups begin then. */
  readonly createdAt?: string;
  /** Beside the connection's own. */
  readonly databases?: readonly string[];
  readonly users?: readonly { readonly name: string; readonly password: string }[];
  readonly trustedSources?: readonly { readonly type: 'ip_addr' | 'tag'; readonly value: string }[];
}

/** Writes production into the books of a new account; in an old one it only follows where the server listens now. */
export function seedProduction(account: Account, production: ProductionCluster): void {
  const known = account.state.clusters.find(({ id }) => id === production.id);
  if (known) {
    takeConnection(known, production.connection);
    return;
  }
  const size = production.size ?? 'db-s-2vcpu-4gb';
  const region = production.region ?? 'fra1';
  const createdAt = timestamp(new Date(production.createdAt ?? '2024-03-04T09:12:00Z'));
  const cluster: ClusterRecord = {
    id: production.id,
    name: production.name,
    created_at: createdAt,
    private_network_uuid: stableUuid(`default network of ${region}`),
    project_id: stableUuid('default project'),
    version: production.version ?? defaultVersion,
    size,
    region,
    num_nodes: production.nodeCount ?? 1,
    storage_size_mib: baseStorage(size),
    tags: ['production'],
    busy: 'creating',
    ready_at: 0,
    connection: null,
    failure: null,
    restore: null,
    databases: [...(production.databases ?? [])],
    users: (production.users ?? []).map((user) => ({ ...user, role: 'normal' })),
    rules: acceptRules(account, [], production.trustedSources ?? []),
    maintenance: { day: 'tuesday', hour: '03:00:00' },
    autoscale: { enabled: false },
    events: [
      { id: stableUuid(`event of ${production.id}`), event_type: 'cluster_create', create_time: createdAt },
    ],
  };
  takeConnection(cluster, production.connection);
  account.state.clusters.push(cluster);
}
