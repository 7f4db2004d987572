import type { Cluster } from '../../digitalocean/answers.ts';
import { DigitalOcean } from '../../digitalocean/client.ts';
import { changeFirewall } from '../../digitalocean/firewall.ts';
import { alone, coverage, opened } from '../../digitalocean/rule.ts';
import { RefreshError } from '../../model/errors.ts';
import type { ForkRun } from '../../model/run.ts';
import { describeAddress, type ServerAddress } from '../../model/server-address.ts';
import { awaitEntry } from './entry.ts';
import { findRunnerAddress } from './runner-address.ts';

/** How long our rule may stand: nothing else is on that list, so nobody may sweep it while the fork is treated. */
const closedMs = 7 * 24 * 3600 * 1000;

/** The list of trusted sources of a fork, which is ours alone until somebody else writes it. */
export interface Closing {
  /** Takes everybody off the list but this machine. To be called when it is sure whose list it is. */
  close(): Promise<void>;
}

/**
 * Makes sure that this machine may connect, and gives what closes the fork to everybody else. Two ids could be mixed up,
 * and production's list with them, so what the API says of the cluster has to be where the URL leads.
 *
 * @throws RefreshError `not-a-fork`, `api-refused`, `api-unavailable`, `host-unreachable`.
 */
export async function approachFork(run: ForkRun): Promise<Closing> {
  const { config, id } = run;
  const clusterId = config.stagingClusterId;
  const api = new DigitalOcean(config.digitalOcean, { signal: run.signal });
  if (clusterId === config.productionClusterId) throw mixedUp('both ids are production’s', clusterId);
  const cluster = await api.cluster(clusterId);
  if (!leadsTo(cluster, config.staging))
    throw mixedUp(`${describeAddress(config.staging)} is not where that cluster is`, clusterId);
  for (const other of [config.production, config.previousStaging])
    if (other && leadsTo(cluster, other))
      throw mixedUp(`that cluster is at ${describeAddress(other)}`, clusterId);
  const address = await findRunnerAddress(run);
  const until = new Date(run.startedAt.getTime() + closedMs);
  const list = await api.firewall(clusterId);
  if (!coverage(list, address)) {
    // A list that an earlier run of another machine has left, or the stack.
    await changeFirewall(api, clusterId, (rules) => opened(rules, address, id, until), {
      signal: run.signal,
    });
    await awaitEntry(run, 'staging', address);
  }
  return {
    async close() {
      const { writes, foreign } = await changeFirewall(
        api,
        clusterId,
        (rules) => alone(rules, address, id, until),
        { signal: run.signal },
      );
      for (const line of foreign) run.log.warn(`trusted sources of the fork: ${line}`);
      run.log.info(
        `the fork’s trusted sources: ${address} alone${writes === 0 ? ', already' : ''}, until they are set to others`,
      );
    },
  };
}

/** The staging in use, unless DigitalOcean says that there is no such cluster any more. */
export async function findPrevious(run: ForkRun): Promise<ForkRun> {
  const { digitalOcean, previousStaging, previousStagingClusterId: id } = run.config;
  if (!previousStaging || !id) return run;
  const there = await new DigitalOcean(digitalOcean, { signal: run.signal }).isThere(id);
  if (there) return run;
  run.log.warn(`the staging before is gone (cluster ${id}): nothing is carried over from it`);
  return { ...run, config: { ...run.config, previousStaging: undefined } };
}

function leadsTo(cluster: Cluster, { host, port }: ServerAddress): boolean {
  return [cluster.connection, cluster.private_connection].some(
    (connection) => connection?.host === host && connection.port === port,
  );
}

function mixedUp(message: string, id: string): RefreshError {
  return new RefreshError('not-a-fork', message, {
    object: `STAGING_DB_CLUSTER_ID ${id}`,
    hint: 'it has to be the id of the cluster that STAGING_DB_URL leads to, made from production’s backup; nothing was changed',
  });
}
