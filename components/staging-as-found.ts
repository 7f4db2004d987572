import * as digitalocean from '@pulumi/digitalocean';
import * as pulumi from '@pulumi/pulumi';
import * as z from 'zod';
import type { ProductionCluster } from './production-cluster.ts';
import type { Account, AdoptedCluster, OwnCluster } from './settings.ts';
import { problem, SettingsError } from './settings-problems.ts';

export interface InspectStagingArgs {
  readonly cluster: OwnCluster | AdoptedCluster;
  /** What is left out of `cluster` follows production. */
  readonly production: Pick<ProductionCluster, 'size' | 'version'>;
  readonly account: Account;
}

/**
 * Looks at a staging cluster that exists already, before anything is changed. An adopted one stays as it is: it is not
 * looked at. Reads only.
 * @returns what the cluster lacks, as `database "shop"` or `role "app"`: not made yet, or deleted by hand
 * @throws SettingsError where the cluster would have to become older
 */
export async function inspectStaging(
  { cluster, production, account }: InspectStagingArgs,
  options: pulumi.InvokeOptions,
): Promise<readonly string[]> {
  if ('adopt' in cluster) return [];
  const found = await digitalocean.getDatabaseCluster({ name: cluster.name }, options);
  if (!found.id) return [];
  const version = cluster.version ?? production.version;
  if (Number.parseInt(version, 10) < Number.parseInt(found.version, 10)) {
    const reason = `"${version}" is older than the ${found.version} of "${cluster.name}", and a cluster never gets older`;
    throw new SettingsError([
      problem('stagingCluster.version', `${reason}: say version: "${found.version}", or another name`),
    ]);
  }
  await warnOfShrinking(cluster, found.size, cluster.size ?? production.size);
  const [databases, roles] = await Promise.all([
    namesOf('dbs', found.id, account),
    namesOf('users', found.id, account),
  ]);
  return [
    ...(databases?.includes(cluster.database) === false ? [`database "${cluster.database}"`] : []),
    ...(roles?.includes(cluster.user) === false ? [`role "${cluster.user}"`] : []),
  ];
}

/** The provider notes the new size although it was refused, so that one `pulumi up` fails and the next changes nothing. */
async function warnOfShrinking({ name }: OwnCluster, present: string, wanted: string): Promise<void> {
  if (!(memoryOf(wanted) < memoryOf(present))) return;
  await pulumi.log.warn(
    `"${name}" has size ${present}, and the stack asks for ${wanted}, which is smaller: DigitalOcean refuses that, and the ` +
      `pulumi up after the refused one goes through without having changed anything. Say stagingCluster.size ${present}, ` +
      'or another name, for a new cluster beside it',
  );
}

/** GB of memory by a size's name, `db-s-2vcpu-4gb`; not a number for any other. */
function memoryOf(size: string): number {
  return Number(/-(\d+)gb$/.exec(size)?.[1]);
}

const named = z.array(z.object({ name: z.string() }));

const namesAnswer = z.object({ dbs: named.optional(), users: named.optional() });

/** Undefined when it can't be told: whatever is wrong there, the provider will say it better. */
async function namesOf(
  kind: 'dbs' | 'users',
  id: string,
  { token, apiUrl = 'https://api.digitalocean.com' }: Account,
): Promise<readonly string[] | undefined> {
  const secret = await new Promise<string>((resolve) => {
    token.apply(resolve);
  });
  const answer = await fetch(new URL(`/v2/databases/${id}/${kind}`, apiUrl), {
    headers: { authorization: `Bearer ${secret}` },
    signal: AbortSignal.timeout(20_000),
  })
    .then(async (response) => namesAnswer.safeParse(await response.json()))
    .catch(() => undefined);
  return answer?.data?.[kind]?.map(({ name }) => name);
}
