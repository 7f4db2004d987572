import * as digitalocean from '@pulumi/digitalocean';
import * as pulumi from '@pulumi/pulumi';

/** What the stack knows of production: nothing that is secret, and nothing that it owns. */
export interface ProductionCluster {
  readonly name: string;
  readonly id: pulumi.Output<string>;
  readonly region: pulumi.Output<string>;
  readonly size: pulumi.Output<string>;
  readonly nodeCount: pulumi.Output<number>;
  /** PostgreSQL's major version. */
  readonly version: pulumi.Output<string>;
  /** Disk in MiB, more than the size's own where some was added. */
  readonly storageSizeMib: pulumi.Output<string>;
  /** PEM text of the authority that signed the server's certificate. */
  readonly certificate: pulumi.Output<string>;
}

/**
 * Looks an existing cluster up by name; it is never managed. The provider's answer also holds production's password,
 * in clear: only what is picked here may leave this file.
 */
export function lookUpProduction(name: string, options: pulumi.InvokeOptions): ProductionCluster {
  const found = digitalocean.getDatabaseClusterOutput({ name }, options).apply((cluster) => {
    // The provider answers an unknown name with empty fields, not with an error.
    if (!cluster.id) throw unknownCluster(name);
    const { id, region, size, nodeCount, version, storageSizeMib } = cluster;
    return { id, region, size, nodeCount, version, storageSizeMib };
  });
  return {
    name,
    id: found.id,
    region: found.region,
    size: found.size,
    nodeCount: found.nodeCount,
    version: found.version,
    storageSizeMib: found.storageSizeMib,
    certificate: lookUpCertificate(found.id, options),
  };
}

/** The cluster's id as a plain value, for what has to be known before any resource is made. */
export async function findProductionId(name: string, options: pulumi.InvokeOptions): Promise<string> {
  const { id } = await digitalocean.getDatabaseCluster({ name }, options);
  if (!id) throw unknownCluster(name);
  return id;
}

function unknownCluster(name: string): pulumi.RunError {
  return new pulumi.RunError(`this DigitalOcean account has no database cluster "${name}"`);
}

/** The authority of a cluster's certificate as PEM text. */
export function lookUpCertificate(
  clusterId: pulumi.Input<string>,
  options: pulumi.InvokeOptions,
): pulumi.Output<string> {
  return digitalocean.getDatabaseCaOutput({ clusterId }, options).certificate;
}
