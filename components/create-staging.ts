import type * as pulumi from '@pulumi/pulumi';
import { ForkedCluster, type ForkedClusterArgs } from './forked-cluster.ts';
import type { Generation } from './generation.ts';
import { Refresh, type RefreshArgs } from './refresh.ts';
import type { AdoptedCluster, OwnCluster } from './settings.ts';
import type { Staging } from './staging.ts';
import { StagingCluster } from './staging-cluster.ts';

export interface CreateStagingArgs extends Omit<ForkedClusterArgs, 'cluster' | 'generation'> {
  readonly cluster: OwnCluster | AdoptedCluster;
  /** Undefined: staging is a cluster that copies go into. */
  readonly generation: Generation | undefined;
}

/** A fork of production where a generation is to be made, else a cluster of its own or an adopted one. */
export function createStaging(
  name: string,
  { cluster, generation, ...args }: CreateStagingArgs,
  opts: pulumi.ComponentResourceOptions,
): Staging {
  if (generation === undefined || 'adopt' in cluster)
    return new StagingCluster(name, { ...args, cluster }, opts);
  return new ForkedCluster(name, { ...args, cluster, generation }, opts);
}

/** The copy of production into staging, unless staging was made with production's data in it. */
export function createRefresh(
  name: string,
  { report }: Staging,
  args: RefreshArgs,
  opts: pulumi.ComponentResourceOptions,
): Pick<Refresh, 'report'> {
  return report === undefined ? new Refresh(name, args, opts) : { report };
}
