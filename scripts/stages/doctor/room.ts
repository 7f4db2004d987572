import { statfs } from 'node:fs/promises';
import { diskBytes } from '../../digitalocean/answers.ts';
import { RefreshError } from '../../model/errors.ts';
import { judgeRoom } from '../../model/room.ts';
import { readUsedBytes } from '../../postgres/used-bytes.ts';
import { formatBytes } from '../../system/log.ts';
import { type Check, failed, ok, skipped, together, type Verdict, verdictOf, warning } from './finding.ts';
import type { Patient } from './patient.ts';

/** A compressed backup seldom takes more than this share of the database. */
const artifactShare = 1 / 3;

/** Disk space on both sides: this machine keeps the backup, staging two or three databases. */
export function roomCheck(patient: Patient): Check {
  return {
    id: 'disk',
    title: 'Disk space',
    problem: 6,
    examine: async () => together([await here(patient), await onStaging(patient)]),
  };
}

async function here({ servers }: Patient): Promise<Verdict> {
  const { bavail, bsize } = await statfs(process.cwd());
  const free = bavail * bsize;
  const bytes = servers.production.facts?.bytes;
  if (bytes === undefined) {
    return skipped(
      `this machine: ${formatBytes(free)} free; what the backup needs is not known without production`,
    );
  }
  const needed = bytes * artifactShare;
  const found = `this machine: ${formatBytes(free)} free, the backup needs up to ${formatBytes(needed)}`;
  if (needed < free) return ok(found);
  return failed(
    found,
    'df -h shows what is full; on GitHub’s runners: docker system prune -af; or refresh run --no-artifact',
  );
}

async function onStaging({ api, clusterIds, servers }: Patient): Promise<Verdict> {
  const { production, staging } = servers;
  if (!api || api instanceof RefreshError || !clusterIds.staging) {
    return skipped('staging: the size of its disk is known to DO_API_TOKEN and STAGING_DB_CLUSTER_ID only');
  }
  if (!staging.session || !production.facts) return skipped('staging: both databases have to be reached');
  try {
    const disk = diskBytes(await api.cluster(clusterIds.staging));
    if (disk === undefined) return skipped('staging: DigitalOcean does not tell the size of its disk');
    const room = {
      disk,
      used: await readUsedBytes(staging.session),
      next: production.facts.bytes,
    };
    const found = `staging: ${formatBytes(room.used)} in use + up to ${formatBytes(room.next)} for the next database, of ${formatBytes(room.disk)}`;
    const repair = `add storage: cloud.digitalocean.com/databases/${clusterIds.staging}/settings (Cluster configuration), or keep no previous database: refresh run --keep-previous 0`;
    return { none: failed(found, repair), tight: warning(found, repair), enough: ok(found) }[judgeRoom(room)];
  } catch (error) {
    return verdictOf(error);
  }
}
