import { objectIn, objectsIn } from './api-client.ts';
import { clientOf } from './digitalocean-client.ts';
import { databaseCluster, getDatabaseCluster } from './digitalocean-cluster.ts';
import type { Properties } from './property.ts';
import type { LaterStep, Package, ResourceKind, Step } from './provider.ts';

/** The part of the digitalocean package that the program uses, call for call as the real provider makes it. */
export const digitalOcean: Package = {
  kinds: {
    'digitalocean:index/databaseCluster:DatabaseCluster': databaseCluster(),
    'digitalocean:index/databaseDb:DatabaseDb': databaseDb(),
    'digitalocean:index/databaseUser:DatabaseUser': databaseUser(),
    'digitalocean:index/databaseFirewall:DatabaseFirewall': databaseFirewall(),
  },
  functions: {
    'digitalocean:index/getDatabaseCluster:getDatabaseCluster': getDatabaseCluster,
    'digitalocean:index/getDatabaseCa:getDatabaseCa': getDatabaseCa,
  },
};

function databaseDb(): ResourceKind {
  return {
    replaceOn: ['clusterId', 'name'],
    deleteFirst: true,
    secretOutputs: [],
    async create(step) {
      const api = clientOf(step.provider);
      await api.request('POST', `${clusterPath(step)}/dbs`, { name: nameOf(step) });
      await api.request('GET', `${clusterPath(step)}/dbs/${encodeURIComponent(nameOf(step))}`);
      return { id: `${step.inputs.clusterId}/database/${nameOf(step)}`, outputs: step.inputs };
    },
    update: unchanged,
    discard: deleteDb,
    delete: deleteDb,
  };
}

function databaseUser(): ResourceKind {
  return {
    replaceOn: ['clusterId', 'name'],
    deleteFirst: true,
    secretOutputs: ['accessCert', 'accessKey', 'password'],
    async create(step) {
      const api = clientOf(step.provider);
      const answer = await api.request('POST', `${clusterPath(step)}/users`, { name: nameOf(step) });
      const user = objectIn(answer, 'user');
      const outputs = { ...step.inputs, role: user.role ?? 'normal', password: user.password ?? '' };
      return { id: `${step.inputs.clusterId}/user/${nameOf(step)}`, outputs };
    },
    update: unchanged,
    discard: deleteUser,
    delete: deleteUser,
  };
}

function databaseFirewall(): ResourceKind {
  return {
    replaceOn: ['clusterId'],
    deleteFirst: false,
    secretOutputs: [],
    async create(step) {
      return { id: `${step.inputs.clusterId}-firewall`, outputs: await putRules(step) };
    },
    async update(step) {
      return await putRules(step);
    },
    async delete(step) {
      // The cluster may be gone, and its list with it.
      const api = clientOf(step.provider);
      if (await api.find(clusterPath(step)))
        await api.request('PUT', `${clusterPath(step)}/firewall`, { rules: [] });
    },
  };
}

async function putRules(step: Step): Promise<Properties> {
  const api = clientOf(step.provider);
  const path = `${clusterPath(step)}/firewall`;
  const rules = objectsIn(step.inputs, 'rules').map((rule) => ({
    uuid: '',
    cluster_uuid: '',
    type: rule.type ?? null,
    value: rule.value ?? null,
    created_at: '0001-01-01T00:00:00Z',
  }));
  await api.request('PUT', path, { rules });
  const stored = objectsIn(await api.request('GET', path), 'rules').map((rule) => ({
    uuid: rule.uuid ?? null,
    type: rule.type ?? null,
    value: rule.value ?? null,
    createdAt: rule.created_at ?? null,
  }));
  return { ...step.inputs, rules: stored };
}

async function deleteDb(step: Step): Promise<void> {
  await clientOf(step.provider).delete(`${clusterPath(step)}/dbs/${encodeURIComponent(nameOf(step))}`);
}

async function deleteUser(step: Step): Promise<void> {
  await clientOf(step.provider).delete(`${clusterPath(step)}/users/${encodeURIComponent(nameOf(step))}`);
}

async function getDatabaseCa(inputs: Properties, provider: Properties): Promise<Properties> {
  const answer = await clientOf(provider).request('GET', `/v2/databases/${inputs.clusterId}/ca`);
  const certificate = Buffer.from(String(objectIn(answer, 'ca').certificate), 'base64').toString('utf8');
  return { id: inputs.clusterId ?? null, clusterId: inputs.clusterId ?? null, certificate };
}

function clusterPath(step: Step): string {
  return `/v2/databases/${step.inputs.clusterId}`;
}

function nameOf(step: Step): string {
  return String(step.inputs.name);
}

async function unchanged(step: LaterStep): Promise<Properties> {
  return { ...step.outputs, ...step.inputs };
}
