import type { Cluster } from '../../digitalocean/answers.ts';
import type { DigitalOcean } from '../../digitalocean/client.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Side } from '../../model/servers.ts';
import { isUuid } from '../../model/uuid.ts';
import { type Check, failed, ok, skipped, together, type Verdict, verdictOf, warning } from './finding.ts';
import { clusterName, type Patient, urlName } from './patient.ts';

/** A daily backup that is older than this has been missed. */
const staleHours = 36;

/** What only DigitalOcean's API knows: the clusters behind the ids, and its own backups. */
export function clusterChecks(patient: Patient): readonly Check[] {
  return [
    {
      id: 'cluster',
      title: 'Cluster ids and the API token',
      problem: 1,
      examine: async () => {
        const api = usable(patient);
        if (!('api' in api)) return api;
        return together([
          await verifyCluster(patient, api.api, 'production'),
          await verifyCluster(patient, api.api, 'staging'),
        ]);
      },
    },
    {
      id: 'managed-backups',
      title: 'DigitalOcean’s own backups',
      examine: async () => {
        const api = usable(patient);
        if (!('api' in api)) return api;
        const id = patient.clusterIds.production;
        if (!id) return skipped(`${clusterName.production} is not set`);
        return judgeBackups(await api.api.backups(id), new Date());
      },
    },
  ];
}

function usable({ api }: Patient): { readonly api: DigitalOcean } | Verdict {
  if (api instanceof RefreshError) return verdictOf(api);
  if (api) return { api };
  return skipped(
    'DO_API_TOKEN is not set: backups, disk sizes and trusted sources are not looked at',
    'optional: generate a token with database:read at cloud.digitalocean.com/account/api/tokens',
  );
}

async function verifyCluster(patient: Patient, api: DigitalOcean, side: Side): Promise<Verdict> {
  const id = patient.clusterIds[side];
  const name = clusterName[side];
  const others = async () =>
    (await api.clusters()).map((cluster) => `${cluster.name} (${cluster.id})`).join(', ');
  if (!id)
    return warning(`${name} is not set; the token sees ${await others()}`, `set ${name} to the cluster’s id`);
  if (!isUuid(id)) {
    return failed(
      `${name} is no UUID; the token sees ${await others()}`,
      'the id is between /databases/ and ? in the address of the cluster’s page',
    );
  }
  const cluster = await api.cluster(id).catch((error: unknown) => error);
  if (cluster instanceof RefreshError && /finds no cluster/.test(cluster.message)) {
    return failed(
      `there is no cluster ${id}; the token sees ${await others()}`,
      `correct the secret ${name}`,
    );
  }
  if (cluster instanceof Error) throw cluster;
  return judgeCluster(patient, cluster as Cluster, side);
}

function judgeCluster(patient: Patient, cluster: Cluster, side: Side): Verdict {
  const what = `${side}: ${cluster.name}, ${cluster.engine} ${cluster.semantic_version ?? cluster.version ?? ''}, ${cluster.status ?? ''}`;
  if (cluster.engine !== 'pg' && cluster.engine !== 'advanced_pg') {
    return failed(`${what}: that is no PostgreSQL cluster`, `correct the secret ${clusterName[side]}`);
  }
  const hosts = [cluster.connection?.host, cluster.private_connection?.host].filter(Boolean);
  const host = patient.servers[side].address?.host;
  if (host && hosts.length > 0 && !hosts.includes(host)) {
    return warning(
      `${what}; but ${urlName[side]} leads to ${host}, not to ${hosts.join(' or ')}`,
      `a replica’s host is fine; otherwise correct ${urlName[side]} or ${clusterName[side]}`,
    );
  }
  return cluster.status === 'online' ? ok(what) : warning(what, 'wait until the cluster is online');
}

/** Pure: what the newest of DigitalOcean's backups says. */
function judgeBackups(
  backups: readonly { readonly created_at: string; readonly size_gigabytes: number }[],
  now: Date,
): Verdict {
  const [newest] = backups;
  if (!newest)
    return warning(
      'DigitalOcean has no backup of production yet',
      'a new cluster gets its first within a day',
    );
  const hours = (now.getTime() - Date.parse(newest.created_at)) / 3_600_000;
  const found = `${backups.length} backups, the latest from ${newest.created_at} (${newest.size_gigabytes.toFixed(2)} GB)`;
  return hours > staleHours
    ? warning(
        `${found}: more than a day old`,
        'ask DigitalOcean’s support why production has no newer backup',
      )
    : ok(found);
}
