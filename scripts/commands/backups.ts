import { Command } from 'commander';
import { environmentName } from '../contract.ts';
import { type Backup, diskBytes } from '../digitalocean/answers.ts';
import { DigitalOcean } from '../digitalocean/client.ts';
import { RefreshError } from '../model/errors.ts';
import { readApiAccess, readClusterId } from '../stages/config/service.ts';
import { formatBytes } from '../system/log.ts';
import { harmless } from '../system/visible.ts';

interface ClusterBackups {
  readonly cluster: {
    readonly id: string;
    readonly name: string;
    readonly region: string | null;
    readonly size: string | null;
    readonly version: string | null;
    readonly status: string | null;
    readonly storageBytes: number | null;
  };
  readonly databases: readonly string[];
  /** Newest first. */
  readonly backups: readonly { readonly createdAt: string; readonly sizeGigabytes: number }[];
}

/** `refresh backups`: what DigitalOcean itself keeps of production. */
export function backupsCommand(): Command {
  return new Command('backups')
    .description('the production cluster, its databases and DigitalOcean’s own backups of it, newest first')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Needs DO_API_TOKEN (scope database:read) and PROD_DB_CLUSTER_ID.
A backup is restored into a new cluster only: the control panel's "Restore" does it.

Example:
  . .local/env && npx --no refresh backups --json`,
    )
    .action(async (flags: { json?: boolean }) => {
      const found = await readBackups(process.env);
      process.stdout.write(flags.json ? `${JSON.stringify(found, null, 2)}\n` : harmless(describe(found)));
    });
}

async function readBackups(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ClusterBackups> {
  const access = readApiAccess(environment);
  const id = readClusterId(environment, environmentName.productionClusterId);
  if (!access || !id) {
    const missing = [
      ...(access ? [] : [environmentName.digitalOceanToken]),
      ...(id ? [] : [environmentName.productionClusterId]),
    ];
    throw new RefreshError('bad-environment', missing.length > 1 ? 'they are not set' : 'it is not set', {
      object: missing.join(' and '),
      hint: 'the token: cloud.digitalocean.com/account/api/tokens with the scope database:read; the id: between /databases/ and ? in the address of the cluster’s page',
    });
  }
  const api = new DigitalOcean(access);
  const cluster = await api.cluster(id);
  const databases = await api.databases(id);
  const backups = await api.backups(id);
  return {
    cluster: {
      id: cluster.id,
      name: cluster.name,
      region: cluster.region ?? null,
      size: cluster.size ?? null,
      version: cluster.semantic_version ?? cluster.version ?? null,
      status: cluster.status ?? null,
      storageBytes: diskBytes(cluster) ?? null,
    },
    databases,
    backups: backups.map(({ created_at, size_gigabytes }: Backup) => ({
      createdAt: created_at,
      sizeGigabytes: size_gigabytes,
    })),
  };
}

function describe({ cluster, databases, backups }: ClusterBackups): string {
  const disk = cluster.storageBytes === null ? '' : `, ${formatBytes(cluster.storageBytes)} of disk`;
  const lines = [
    `${cluster.name} (${cluster.id})`,
    `  PostgreSQL ${cluster.version ?? 'of unknown version'}, ${cluster.size ?? '?'} in ${cluster.region ?? '?'}${disk}, ${cluster.status ?? '?'}`,
    `  databases: ${databases.join(', ')}`,
    backups.length === 0 ? 'DigitalOcean has no backup of it yet.' : 'DigitalOcean’s backups, newest first:',
    ...backups.map(
      ({ createdAt, sizeGigabytes }) => `  ${createdAt}  ${formatBytes(sizeGigabytes * 1e9).padStart(9)}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
