import { ApiClient, objectIn, objectsIn } from './in-process/api-client.ts';
import { isObject, type Properties, textOf } from './in-process/property.ts';
import { type LocalStack, localConfig } from './local-stack.ts';

/** How staging is reached, whatever became of the refresh. */
export interface StagingAccess {
  /** The administrator's connection to the app's database. */
  readonly url: string;
  readonly ca: string;
  readonly clusterId: string;
}

/** Asks the emulated DigitalOcean for the stack's staging cluster; undefined when there is none, or none online. */
export async function findStaging(stack: LocalStack): Promise<StagingAccess | undefined> {
  const wanted = localConfig(stack).plain['staging-refresh:stagingCluster'];
  const { name, database } = isObject(wanted) ? wanted : {};
  const api = new ApiClient(stack.apis.digitalOceanUrl, stack.account.digitalOceanToken);
  const clusters = objectsIn(await api.request('GET', '/v2/databases?page=1&per_page=200'), 'databases');
  const cluster = clusters.find((each) => each.name === name && each.status === 'online');
  if (!cluster) return undefined;
  const ca =
    textOf(objectIn(await api.request('GET', `/v2/databases/${cluster.id}/ca`), 'ca'), 'certificate') ?? '';
  return {
    url: urlOf(objectIn(cluster, 'connection'), String(database)),
    ca: Buffer.from(ca, 'base64').toString('utf8'),
    clusterId: String(cluster.id),
  };
}

function urlOf({ user, password, host, port }: Properties, database: string): string {
  const login = [user, password].map((part) => encodeURIComponent(String(part))).join(':');
  return `postgresql://${login}@${host}:${port}/${encodeURIComponent(database)}?sslmode=require`;
}
