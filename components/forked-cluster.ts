import * as digitalocean from '@pulumi/digitalocean';
import * as pulumi from '@pulumi/pulumi';
import type { Summary } from '../scripts/model/report.ts';
import type { EngineEnvironment } from './engine-environment.ts';
import { type Generation, previousStaging } from './generation.ts';
import { lookUpCertificate, type ProductionCluster } from './production-cluster.ts';
import { Refresh, type RefreshSettings } from './refresh.ts';
import type { OwnCluster } from './settings.ts';
import type { Staging, StagingAccess } from './staging.ts';
import { connectionUrl } from './staging-cluster.ts';

export interface ForkedClusterArgs {
  readonly cluster: OwnCluster;
  readonly production: ProductionCluster;
  readonly generation: Generation;
  readonly refresh: RefreshSettings;
  /** What the engine is told of a staging cluster. */
  readonly environmentOf: (staging: StagingAccess) => EngineEnvironment;
}

/**
 * Staging as a fork: production's managed backup in a cluster of its own, which the engine then treats in place. Until
 * it has, nothing of the cluster comes out of this component, so that no list of trusted sources, no secret and no output
 * can lead to clear data.
 */
export class ForkedCluster extends pulumi.ComponentResource implements Staging {
  readonly clusterName: string;
  readonly cluster: pulumi.CustomResource;
  readonly clusterId: pulumi.Output<string>;
  readonly host: pulumi.Output<string>;
  readonly database: pulumi.Output<string>;
  /** The fork's objects keep the owners that they have in production. */
  readonly owner: pulumi.Output<string | undefined>;
  readonly url: pulumi.Output<string>;
  readonly certificate: pulumi.Output<string>;
  readonly report: pulumi.Output<Summary>;

  constructor(name: string, args: ForkedClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:ForkedCluster', name, {}, opts);
    this.clusterName = `${args.cluster.name}-${args.generation.suffix}`;
    const cluster = createFork(`${name}-${this.clusterName}`, this.clusterName, args, this);
    const access = {
      clusterId: cluster.id,
      url: connectionUrl(cluster, pulumi.output(args.cluster.database)),
      certificate: lookUpCertificate(cluster.id, { parent: this }),
    };
    const refresh = createTreatment(args, access, this);

    const afterwards = <Value>(value: pulumi.Output<Value>) => after(refresh.report, value);
    this.cluster = cluster;
    this.clusterId = afterwards(access.clusterId);
    this.host = afterwards(cluster.host);
    this.database = afterwards(pulumi.output(args.cluster.database));
    this.owner = pulumi.output(undefined);
    this.url = afterwards(access.url);
    this.certificate = afterwards(access.certificate);
    this.report = refresh.report;
    this.registerOutputs({
      clusterName: this.clusterName,
      clusterId: this.clusterId,
      host: this.host,
      database: this.database,
      url: this.url,
      certificate: this.certificate,
      report: this.report,
    });
  }
}

function createFork(
  logicalName: string,
  clusterName: string,
  { cluster, production }: ForkedClusterArgs,
  parent: pulumi.Resource,
): digitalocean.DatabaseCluster {
  return new digitalocean.DatabaseCluster(
    logicalName,
    {
      name: clusterName,
      engine: 'pg',
      version: production.version,
      size: cluster.size ?? production.size,
      region: cluster.region ?? production.region,
      nodeCount: cluster.nodeCount ?? production.nodeCount,
      storageSizeMib: production.storageSizeMib,
      // The newest backup: none is named.
      backupRestore: { databaseName: production.name },
    },
    {
      parent,
      // Production's disk may grow by itself; a fork that exists has what it needs.
      ignoreChanges: ['storageSizeMib'],
      // After its half hour the provider would forget a cluster that is still being restored.
      customTimeouts: { create: '12h' },
    },
  );
}

function createTreatment(args: ForkedClusterArgs, access: StagingAccess, parent: pulumi.Resource): Refresh {
  const { suffix, previous } = args.generation;
  return new Refresh(
    `refresh-${suffix}`,
    {
      ...args.refresh,
      owner: undefined,
      environment: { ...args.environmentOf(access), ...previous },
      // Every other reason is in the generation's name. A cluster that was deleted and made again holds clear data.
      triggers: { stagingClusterId: access.clusterId },
      // What the staging in use was when this one was made: afterwards it is this one itself.
      ignoredVariables: previousStaging,
    },
    { parent },
  );
}

/** The value, once the treatment has ended well. The report itself holds nothing secret. */
function after<Value>(report: pulumi.Output<Summary>, value: pulumi.Output<Value>): pulumi.Output<Value> {
  return pulumi.all([value, pulumi.unsecret(report)]).apply(([known]) => known) as pulumi.Output<Value>;
}
