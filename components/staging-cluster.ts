import * as digitalocean from '@pulumi/digitalocean';
import * as pulumi from '@pulumi/pulumi';
import { isUuid } from '../scripts/model/uuid.ts';
import { lookUpCluster } from './cluster-lookup.ts';
import { composeConnectionUrl } from './connection-url.ts';
import { lookUpCertificate, type ProductionCluster } from './production-cluster.ts';
import type { AdoptedCluster, OwnCluster } from './settings.ts';
import type { Staging } from './staging.ts';

export interface StagingClusterArgs {
  /** A cluster to make, or one that exists and is only looked up, by its id: see `findAdopted`. */
  readonly cluster: OwnCluster | AdoptedCluster;
  /** What is left out of `cluster` follows production. */
  readonly production: Pick<ProductionCluster, 'region' | 'size' | 'nodeCount' | 'version'>;
}

/** Staging's PostgreSQL cluster with the app's own database and role in it. */
export class StagingCluster extends pulumi.ComponentResource implements Staging {
  readonly clusterName: string;
  readonly cluster: pulumi.CustomResource;
  readonly clusterId: pulumi.Output<string>;
  readonly host: pulumi.Output<string>;
  readonly database: pulumi.Output<string>;
  readonly owner: pulumi.Output<string | undefined>;
  readonly url: pulumi.Output<string>;
  readonly certificate: pulumi.Output<string>;

  constructor(name: string, args: StagingClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:StagingCluster', name, {}, opts);
    const wanted = args.cluster;
    const cluster =
      'adopt' in wanted
        ? adoptCluster(name, wanted, this)
        : createCluster(name, wanted, args.production, this);
    const contents = 'adopt' in wanted ? {} : createContents(name, wanted, cluster, this);

    this.clusterName = knownAs(wanted);
    this.cluster = cluster;
    this.clusterId = cluster.id;
    this.host = cluster.host;
    this.database = contents.database?.name ?? pulumi.output(wanted.database);
    this.owner = contents.user?.name ?? pulumi.output(wanted.user);
    this.url = connectionUrl(cluster, this.database);
    this.certificate = lookUpCertificate(cluster.id, { parent: this });
    this.registerOutputs({
      clusterName: this.clusterName,
      clusterId: this.clusterId,
      host: this.host,
      database: this.database,
      owner: this.owner,
      url: this.url,
      certificate: this.certificate,
    });
  }
}

/** The name, or of an adopted cluster what it was called by. */
export function knownAs(cluster: OwnCluster | AdoptedCluster): string {
  return 'adopt' in cluster ? cluster.adopt : cluster.name;
}

/**
 * The cluster's own name is part of the logical name: another name is another resource, made and refreshed before the
 * old one goes. As a mere input it would make the provider delete first and leave staging empty.
 */
function createCluster(
  name: string,
  wanted: OwnCluster,
  production: StagingClusterArgs['production'],
  parent: pulumi.Resource,
): digitalocean.DatabaseCluster {
  return new digitalocean.DatabaseCluster(
    `${name}-${wanted.name}`,
    {
      name: wanted.name,
      engine: 'pg',
      version: wanted.version ?? production.version,
      size: wanted.size ?? production.size,
      region: wanted.region ?? production.region,
      nodeCount: wanted.nodeCount ?? production.nodeCount,
    },
    { parent },
  );
}

/** Database and role carry every name that would replace them, for the same reason as the cluster. */
function createContents(
  name: string,
  wanted: OwnCluster,
  cluster: digitalocean.DatabaseCluster,
  parent: pulumi.Resource,
): { readonly database?: digitalocean.DatabaseDb; readonly user?: digitalocean.DatabaseUser } {
  const prefix = `${name}-${wanted.name}`;
  const clusterId = cluster.id;
  const opts = { parent, deletedWith: cluster };
  const { database, user } = wanted;
  return {
    ...(database !== bornWith.database && {
      database: new digitalocean.DatabaseDb(
        `${prefix}-database-${database}`,
        { clusterId, name: database },
        opts,
      ),
    }),
    ...(user !== bornWith.user && {
      user: new digitalocean.DatabaseUser(`${prefix}-user-${user}`, { clusterId, name: user }, opts),
    }),
  };
}

/** What each cluster has from the beginning, and nobody can make or delete. */
const bornWith = { database: 'defaultdb', user: 'doadmin' } as const;

/** An adopted cluster that is called by its name, by its id instead; any other as it is. */
export async function findAdopted<Cluster extends OwnCluster | AdoptedCluster>(
  cluster: Cluster,
  options: pulumi.InvokeOptions,
): Promise<Cluster> {
  if (!('adopt' in cluster) || isUuid(cluster.adopt)) return cluster;
  const { id } = await lookUpCluster(cluster.adopt, 'stagingCluster.adopt', options);
  return { ...cluster, adopt: id };
}

/** Reads a cluster that somebody else owns. The read keeps its password secret, which the data source doesn't. */
function adoptCluster(
  name: string,
  { adopt }: AdoptedCluster,
  parent: pulumi.Resource,
): digitalocean.DatabaseCluster {
  return digitalocean.DatabaseCluster.get(`${name}-adopted`, adopt, undefined, { parent });
}

/** The administrator's connection to a database of the cluster. Secret. */
export function connectionUrl(
  cluster: digitalocean.DatabaseCluster,
  database: pulumi.Output<string>,
): pulumi.Output<string> {
  const { host, port, user, password } = cluster;
  return pulumi.secret(pulumi.output({ host, port, user, password, database }).apply(composeConnectionUrl));
}
