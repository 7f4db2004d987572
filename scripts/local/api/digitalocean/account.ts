import type { ClusterConnection, ClusterHost } from '../cluster-host.ts';
import { param, Refusal } from '../route.ts';
import type { DigitalOceanRequest } from './access.ts';

/** What is kept in the state file. Passwords are in it: the file is readable by its owner alone. */
export interface AccountState {
  clusters: ClusterRecord[];
}

export interface ClusterRecord {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly private_network_uuid: string;
  readonly project_id: string;
  version: string;
  size: string;
  region: string;
  num_nodes: number;
  storage_size_mib: number;
  tags: readonly string[];
  /** What the cluster is busy with until `ready_at` (milliseconds since 1970) and until it has a connection. */
  busy: 'creating' | 'forking' | 'resizing' | 'migrating';
  ready_at: number;
  connection: ClusterConnection | null;
  /** Why the server could not be made; the cluster then never comes online. */
  failure: string | null;
  restore: { readonly clusterId: string; readonly at: string } | null;
  databases: string[];
  users: UserRecord[];
  rules: readonly RuleRecord[];
  maintenance: { day: string; hour: string };
  autoscale: { enabled: boolean; threshold_percent?: number | undefined; increment_gib?: number | undefined };
  events: EventRecord[];
}

export interface UserRecord {
  readonly name: string;
  readonly role: 'primary' | 'normal';
  password: string;
  /** Absent until somebody sets it: the provider takes settings that it did not order for drift, at every run. */
  pg_allow_replication?: boolean;
}

export interface RuleRecord {
  readonly uuid: string;
  readonly type: 'droplet' | 'k8s' | 'ip_addr' | 'tag' | 'app';
  readonly value: string;
  readonly created_at: string;
  readonly description?: string;
}

export interface EventRecord {
  readonly id: string;
  readonly event_type:
    | 'cluster_create'
    | 'cluster_update'
    | 'cluster_maintenance_perform'
    | 'cluster_master_promotion';
  readonly create_time: string;
}

/** The emulated account: its books, and the servers behind them. */
export interface Account {
  readonly state: AccountState;
  readonly host: ClusterHost;
  /** How long a cluster is `creating`, `resizing` or `migrating` at least. */
  readonly creatingSeconds: number;
  now(): Date;
  /** Keeps what changed outside of a request: a server that has come up. */
  save(): void;
}

/** The cluster that the request's path names. Throws a 404. */
export function clusterOf(account: Account, request: DigitalOceanRequest): ClusterRecord {
  const id = param(request, 'cluster');
  const cluster = account.state.clusters.find((each) => each.id === id);
  if (!cluster) throw new Refusal(404, 'cluster not found');
  return cluster;
}

/** DigitalOcean's time format: ISO 8601 in UTC without fractions. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
