import { type Finding, kind, type Managed, textOf } from './managed.ts';

/** Resources that would change or delete something of the cluster that the stack's own refresh reads from. */
export function managedProduction(resources: readonly Managed[]): readonly Finding[] {
  const productionIds = resources
    .filter(({ type }) => type === kind.command)
    .flatMap((command) => textOf(command, 'environment', 'PROD_DB_CLUSTER_ID') ?? []);
  return resources
    .filter((resource) => productionIds.includes(clusterIdOf(resource) ?? ''))
    .map(({ name, type }) => ({
      message: `${name}: a ${type.split(':').at(-1)} of production's cluster, which pulumi destroy would delete`,
    }));
}

/** Of the cluster itself, or of what is in it. */
function clusterIdOf(resource: Managed): string | undefined {
  if (!resource.type.startsWith('digitalocean:')) return undefined;
  return textOf(resource, 'clusterId') ?? textOf(resource, 'clusterUrn')?.replace(/^do:dbaas:/, '');
}
