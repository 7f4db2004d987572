import { type Finding, kind, type Managed, textOf } from './managed.ts';

/** Refresh commands whose staging is production itself: the same database of the same server. */
export function sameDatabase(resources: readonly Managed[]): readonly Finding[] {
  return sides(resources).flatMap(({ name, production, staging }) =>
    isSameServer(production, staging) && production.database === staging.database
      ? [{ message: `${name}: staging and production are the same database, "${staging.database}"` }]
      : [],
  );
}

/** The same cluster, with a database of its own for staging: allowed, and a load on production all the same. */
export function sameCluster(resources: readonly Managed[]): readonly Finding[] {
  return sides(resources).flatMap(({ name, production, staging }) =>
    isSameServer(production, staging) && production.database !== staging.database
      ? [
          {
            message: `${name}: staging is in production's own cluster and takes its memory, disk and connections`,
          },
        ]
      : [],
  );
}

interface Side {
  readonly clusterId: string | undefined;
  /** `host:port`; undefined while a preview doesn't know it: a cluster that is still to be made is not production's. */
  readonly server: string | undefined;
  readonly database: string | undefined;
}

function sides(resources: readonly Managed[]) {
  return resources
    .filter(({ type }) => type === kind.command)
    .map((command) => ({
      name: command.name,
      production: sideOf(command, 'PRODUCTION_DB_URL', 'PROD_DB_CLUSTER_ID'),
      staging: sideOf(command, 'STAGING_DB_URL', 'STAGING_DB_CLUSTER_ID'),
    }));
}

function sideOf(command: Managed, urlName: string, idName: string): Side {
  const clusterId = textOf(command, 'environment', idName);
  const url = textOf(command, 'environment', urlName);
  if (url === undefined || !URL.canParse(url)) return { clusterId, server: undefined, database: undefined };
  const { hostname, port, pathname } = new URL(url);
  return {
    clusterId,
    server: `${hostname.toLowerCase()}:${port || '5432'}`,
    database: decodeURIComponent(pathname.slice(1)),
  };
}

function isSameServer(one: Side, other: Side): boolean {
  const sameId = one.clusterId !== undefined && one.clusterId === other.clusterId;
  return sameId || (one.server !== undefined && one.server === other.server);
}
