import { setTimeout as wait } from 'node:timers/promises';
import { RefreshError } from '../../model/errors.ts';
import { type ApiClient, objectIn, objectsIn } from './api-client.ts';
import { clientOf } from './digitalocean-client.ts';
import { type Properties, type Property, same, textOf } from './property.ts';
import type { ResourceKind, Step } from './provider.ts';

const pollMilliseconds = 500;
/** The real provider gives up at the same time. */
const onlineWithinMinutes = 30;

export function databaseCluster(): ResourceKind {
  return {
    // `backupRestore` is read when a cluster is made and never again: its change does nothing.
    replaceOn: ['name', 'engine', 'privateNetworkUuid', 'projectId'],
    deleteFirst: true,
    secretOutputs: ['password', 'privateUri', 'uiPassword', 'uiUri', 'uri'],
    async create(step) {
      const api = clientOf(step.provider);
      const answer = await api.request('POST', '/v2/databases', orderOf(step.inputs));
      const id = String(objectIn(answer, 'database').id);
      return { id, outputs: await whenOnline(api, id, step) };
    },
    async discard(step) {
      const orphan = await findCluster(clientOf(step.provider), step.inputs.name);
      if (orphan) await clientOf(step.provider).delete(`/v2/databases/${orphan.id}`);
    },
    async update(step) {
      const api = clientOf(step.provider);
      const { inputs, outputs, id } = step;
      const path = `/v2/databases/${id}`;
      if (!same(inputs.size ?? null, outputs.size ?? null) || inputs.nodeCount !== outputs.nodeCount) {
        const wanted = { size: inputs.size ?? null, num_nodes: inputs.nodeCount ?? null };
        await api.request('PUT', `${path}/resize`, wanted);
        await whenOnline(api, id, step);
      }
      if (inputs.region !== outputs.region) {
        await api.request('PUT', `${path}/migrate`, {
          region: inputs.region ?? null,
          private_network_uuid: '',
        });
        await whenOnline(api, id, step);
      }
      if (inputs.version !== undefined && inputs.version !== outputs.version) {
        await api.request('PUT', `${path}/upgrade`, { version: inputs.version });
      }
      return await whenOnline(api, id, step);
    },
    async read(id, provider) {
      return clusterOutputs(
        objectIn(await clientOf(provider).request('GET', `/v2/databases/${id}`), 'database'),
      );
    },
    async delete(step) {
      await clientOf(step.provider).delete(`/v2/databases/${step.id}`);
    },
  };
}

export async function getDatabaseCluster(inputs: Properties, provider: Properties): Promise<Properties> {
  const found = await findCluster(clientOf(provider), inputs.name);
  // The real provider answers an unknown name with nothing but that name.
  return found ? { ...clusterOutputs(found), id: found.id ?? null } : { name: inputs.name ?? null };
}

async function findCluster(api: ApiClient, name: Property | undefined): Promise<Properties | undefined> {
  for (let page = 1; ; page++) {
    const answer = await api.request('GET', `/v2/databases?page=${page}&per_page=200`);
    const found = objectsIn(answer, 'databases').find((cluster) => cluster.name === name);
    if (found || textOf(objectIn(objectIn(answer, 'links'), 'pages'), 'next') === undefined) return found;
  }
}

async function whenOnline(api: ApiClient, id: string, step: Step): Promise<Properties> {
  const deadline = Date.now() + onlineWithinMinutes * 60_000;
  for (;;) {
    const cluster = objectIn((await api.find(`/v2/databases/${id}`)) ?? {}, 'database');
    if (cluster.status === 'online') return { ...step.inputs, ...clusterOutputs(cluster) };
    if (Date.now() > deadline) {
      throw new RefreshError('api-unavailable', `cluster not online after ${onlineWithinMinutes} minutes`, {
        object: id,
        hint: 'look at the cluster in the control panel, then run the same command again',
      });
    }
    // Not cut short by an interruption: a cluster whose making isn't waited for would be nobody's.
    await wait(pollMilliseconds);
  }
}

function clusterOutputs(cluster: Properties): Properties {
  const connection = objectIn(cluster, 'connection');
  const inside = objectIn(cluster, 'private_connection');
  return {
    clusterUrn: `do:dbaas:${cluster.id}`,
    name: cluster.name ?? null,
    engine: cluster.engine ?? null,
    version: cluster.version ?? null,
    size: cluster.size ?? null,
    region: cluster.region ?? null,
    nodeCount: cluster.num_nodes ?? null,
    storageSizeMib: cluster.storage_size_mib === undefined ? null : String(cluster.storage_size_mib),
    host: connection.host ?? null,
    port: connection.port ?? null,
    user: connection.user ?? null,
    password: connection.password ?? null,
    database: connection.database ?? null,
    uri: connection.uri ?? null,
    privateHost: inside.host ?? null,
    privateUri: inside.uri ?? null,
  };
}

function orderOf(inputs: Properties): Properties {
  const restore = objectIn(inputs, 'backupRestore');
  return {
    name: inputs.name ?? null,
    engine: inputs.engine ?? null,
    version: inputs.version ?? null,
    size: inputs.size ?? null,
    region: inputs.region ?? null,
    num_nodes: inputs.nodeCount ?? null,
    private_network_uuid: inputs.privateNetworkUuid ?? '',
    project_id: inputs.projectId ?? '',
    rules: null,
    ...(inputs.storageSizeMib ? { storage_size_mib: Number(inputs.storageSizeMib) } : {}),
    ...(inputs.tags ? { tags: inputs.tags } : {}),
    ...(restore.databaseName
      ? {
          backup_restore: {
            database_name: restore.databaseName,
            ...(restore.backupCreatedAt ? { backup_created_at: restore.backupCreatedAt } : {}),
          },
        }
      : {}),
  };
}
