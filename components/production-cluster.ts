import * as digitalocean from '@pulumi/digitalocean';
import type * as pulumi from '@pulumi/pulumi';
import { lookUpCluster } from './cluster-lookup.ts';

/** What the stack knows of production: nothing that is secret, and nothing that it owns. */
export interface ProductionCluster {
  readonly name: string;
  readonly id: string;
  readonly region: string;
  readonly size: string;
  readonly nodeCount: number;
  /** PostgreSQL's major version. */
  readonly version: string;
  /** Disk in MiB, more than the size's own where some was added. */
  readonly storageSizeMib: string;
  /** PEM text of the authority that signed the server's certificate. */
  readonly certificate: pulumi.Output<string>;
}

/**
 * Looks an existing cluster up by name; it is never managed. The provider's answer also holds production's password,
 * in clear: only what is picked here may leave this file.
 */
export async function lookUpProduction(
  name: string,
  options: pulumi.InvokeOptions,
): Promise<ProductionCluster> {
  const { id, region, size, nodeCount, version, storageSizeMib } = await lookUpCluster(
    name,
    'productionCluster',
    options,
  );
  return {
    name,
    id,
    region,
    size,
    nodeCount,
    version,
    storageSizeMib,
    certificate: lookUpCertificate(id, options),
  };
}

/** The authority of a cluster's certificate as PEM text. */
export function lookUpCertificate(
  clusterId: pulumi.Input<string>,
  options: pulumi.InvokeOptions,
): pulumi.Output<string> {
  return digitalocean.getDatabaseCaOutput({ clusterId }, options).certificate;
}
