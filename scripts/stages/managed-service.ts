import { diskBytes } from '../digitalocean/answers.ts';
import { DigitalOcean } from '../digitalocean/client.ts';
import { RefreshError } from '../model/errors.ts';
import type { ManagedBackup } from '../model/report.ts';
import { judgeRoom } from '../model/room.ts';
import type { Run } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import type { Session } from '../postgres/session.ts';
import { readUsedBytes } from '../postgres/used-bytes.ts';
import { formatBytes } from '../system/log.ts';

/**
 * What the documented workflow's first steps show: the cluster behind the id, its databases, DigitalOcean's own backups.
 * An id or a token that DigitalOcean refuses stops the run; an API that is down does not.
 *
 * @throws RefreshError `api-refused`.
 */
export async function showManagedBackups(run: Run): Promise<ManagedBackup | null> {
  const { digitalOcean, productionClusterId: id } = run.config;
  if (!digitalOcean || !id) {
    const missing = digitalOcean ? 'PROD_DB_CLUSTER_ID' : 'DO_API_TOKEN';
    run.log.info(`skipped: DigitalOcean’s backups of production are not looked at, ${missing} is not set`);
    return null;
  }
  const api = new DigitalOcean(digitalOcean, { signal: run.signal });
  return await unlessDown(run, 'DigitalOcean’s backups of production', async () => {
    const cluster = await api.cluster(id);
    const databases = await api.databases(id);
    run.log.info(`production cluster ${cluster.name} (${id}): databases ${databases.join(', ')}`);
    const [newest, ...older] = await api.backups(id);
    if (!newest) {
      run.log.warn(`DigitalOcean has no backup of ${cluster.name} yet`);
      return null;
    }
    const size = formatBytes(newest.size_gigabytes * 1e9);
    run.log.info(
      `DigitalOcean’s backups: the latest of ${older.length + 1} is from ${newest.created_at}, ${size}`,
    );
    return {
      cluster: cluster.name,
      createdAt: newest.created_at,
      sizeGigabytes: newest.size_gigabytes,
      count: older.length + 1,
    };
  });
}

/**
 * Room for the live, the next and the previous database on staging's disk, whose size only the API tells.
 *
 * @throws RefreshError `no-room` with the arithmetic.
 */
export async function requireRoom(run: Run, servers: Servers, maintenance: Session): Promise<void> {
  const { digitalOcean, stagingClusterId: id } = run.config;
  if (!digitalOcean || !id) {
    const missing = digitalOcean ? 'STAGING_DB_CLUSTER_ID' : 'DO_API_TOKEN';
    run.log.info(`skipped: the size of staging’s disk is not known, ${missing} is not set`);
    return;
  }
  const api = new DigitalOcean(digitalOcean, { signal: run.signal });
  const cluster = await unlessDown(run, 'the size of staging’s disk', () => api.cluster(id));
  const disk = cluster && diskBytes(cluster);
  if (!disk) {
    if (cluster) run.log.info('skipped: DigitalOcean does not tell the size of staging’s disk');
    return;
  }
  const room = { disk, used: await readUsedBytes(maintenance), next: servers.production.bytes };
  const sum = `${formatBytes(room.used)} in use + up to ${formatBytes(room.next)} for the next database, of ${formatBytes(disk)}`;
  const verdict = judgeRoom(room);
  if (verdict === 'enough') run.log.info(`staging’s disk: ${sum}`);
  // With a policy the next database may be much smaller than production.
  else if (verdict === 'tight' || run.config.policy) run.log.warn(`staging’s disk may get full: ${sum}`);
  else {
    throw new RefreshError('no-room', `staging’s disk is too small: ${sum}`, {
      object: `cluster ${cluster.name}`,
      hint: 'add storage in the cluster’s settings, drop databases that nobody needs, or keep none: --keep-previous 0',
    });
  }
}

async function unlessDown<Result>(
  run: Run,
  what: string,
  work: () => Promise<Result>,
): Promise<Result | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefreshError) || error.code !== 'api-unavailable') throw error;
    run.log.warn(`skipped: ${what} (${error.message})`);
    return null;
  }
}
