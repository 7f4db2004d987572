import * as digitalocean from '@pulumi/digitalocean';
import * as pulumi from '@pulumi/pulumi';
import type { Staging } from './staging.ts';
import type { TrustedSourceRule } from './trusted-source-rule.ts';

export interface TrustedSourcesArgs {
  readonly cluster: Pick<Staging, 'cluster' | 'clusterId' | 'clusterName'>;
  /** Whole list of the cluster. Empty: the list is left alone, as an adopted cluster's must be. */
  readonly rules: readonly TrustedSourceRule[];
}

/** Who may connect to staging. */
export class TrustedSources extends pulumi.ComponentResource {
  /** How many rules are managed; known only once they are in force. */
  readonly count: pulumi.Output<number>;

  constructor(name: string, args: TrustedSourcesArgs, opts: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:TrustedSources', name, {}, opts);
    // A firewall without rules would be refused, and one on a foreign cluster would own that cluster's whole list.
    const firewall = args.rules.length === 0 ? undefined : createFirewall(name, args, this);

    this.count = firewall?.rules.apply((rules) => rules.length) ?? pulumi.output(0);
    this.registerOutputs({ count: this.count });
  }
}

function createFirewall(
  name: string,
  { cluster, rules }: TrustedSourcesArgs,
  parent: pulumi.Resource,
): digitalocean.DatabaseFirewall {
  return new digitalocean.DatabaseFirewall(
    // The list belongs to this generation of the cluster: see StagingCluster.
    `${name}-${cluster.clusterName}`,
    { clusterId: cluster.clusterId, rules: rules.map(({ type, value }) => ({ type, value })) },
    // Deleted before its cluster, it would empty the list, and staging would be open to all for a while.
    { parent, deletedWith: cluster.cluster },
  );
}
