import { type Access, may } from './access.ts';
import type { Account, ClusterRecord, RuleRecord, UserRecord } from './account.ts';
import { versions } from './catalogue.ts';
import { statusOf } from './lifecycle.ts';

/** A cluster as the API shows it to this token: credentials only with `database:view_credentials`. */
export function clusterAnswer(
  account: Account,
  cluster: ClusterRecord,
  access: Access,
): Record<string, unknown> {
  const offer = versions.find(({ version }) => version === cluster.version);
  const connection = connectionAnswer(cluster, access);
  return {
    id: cluster.id,
    name: cluster.name,
    engine: 'pg',
    version: cluster.version,
    semantic_version: offer?.semantic ?? cluster.version,
    num_nodes: cluster.num_nodes,
    size: cluster.size,
    region: cluster.region,
    status: statusOf(account, cluster),
    created_at: cluster.created_at,
    private_network_uuid: cluster.private_network_uuid,
    project_id: cluster.project_id,
    tags: cluster.tags,
    db_names: cluster.databases,
    users: cluster.users.map((user) => userAnswer(user, access)),
    rules: cluster.rules.map((rule) => ruleAnswer(cluster, rule)),
    maintenance_window: { ...cluster.maintenance, pending: false, description: [] },
    storage_size_mib: cluster.storage_size_mib,
    ...(offer && {
      version_end_of_life: offer.supportedUntil,
      version_end_of_availability: offer.availableUntil,
    }),
    // Both lead to the loopback address: there is no private network here.
    ...(connection && { connection, private_connection: connection }),
  };
}

export function userAnswer(user: UserRecord, access: Access): Record<string, unknown> {
  return {
    name: user.name,
    role: user.role,
    ...(may(access, 'database:view_credentials') && { password: user.password }),
    ...(user.pg_allow_replication !== undefined && {
      settings: { pg_allow_replication: user.pg_allow_replication },
    }),
  };
}

export function ruleAnswer(cluster: ClusterRecord, rule: RuleRecord): Record<string, unknown> {
  return { ...rule, cluster_uuid: cluster.id };
}

function connectionAnswer(
  { connection }: ClusterRecord,
  access: Access,
): Record<string, unknown> | undefined {
  if (!connection) return undefined;
  const { host, port, user, password, database } = connection;
  const place = `${host}:${port}/${encodeURIComponent(database)}?sslmode=require`;
  if (!may(access, 'database:view_credentials')) {
    return { uri: `postgresql://${place}`, database, host, port, ssl: true };
  }
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return { uri: `postgresql://${login}@${place}`, database, host, port, user, password, ssl: true };
}
