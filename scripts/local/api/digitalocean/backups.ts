import { createHash } from 'node:crypto';
import type { ScopedRoute } from './access.ts';
import { type Account, type ClusterRecord, clusterOf, timestamp } from './account.ts';

export interface Backup {
  readonly created_at: string;
  readonly size_gigabytes: number;
}

const day = 24 * 3600 * 1000;
/** Point-in-time recovery reaches back a week: so long is a daily backup kept. */
const kept = 7;

export function backupRoutes(account: Account): readonly ScopedRoute[] {
  return [
    {
      method: 'GET',
      path: '/v2/databases/:cluster/backups',
      scope: 'database:read',
      handle(request) {
        const cluster = clusterOf(account, request);
        const { hour, minute } = schedule(cluster);
        const scheduled = { backup_hour: hour, backup_minute: minute, backup_interval_hours: 24 };
        return {
          status: 200,
          body: { backups: backupsOf(cluster, account.now()), scheduled_backup_time: scheduled },
        };
      },
    },
  ];
}

/** The daily backups that exist at that time, oldest first; the same cluster always has the same ones. */
export function backupsOf(cluster: ClusterRecord, now: Date): readonly Backup[] {
  const { hour, minute } = schedule(cluster);
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), hour, minute, 12);
  const newest = today <= now.getTime() ? today : today - day;
  return Array.from({ length: kept }, (_, index) => newest - (kept - 1 - index) * day)
    .filter((time) => time > Date.parse(cluster.created_at))
    .map((time) => ({ created_at: timestamp(new Date(time)), size_gigabytes: size(cluster, time) }));
}

function schedule({ id }: ClusterRecord): { readonly hour: number; readonly minute: number } {
  const digest = createHash('sha256').update(id).digest();
  return { hour: digest.readUInt8(0) % 24, minute: digest.readUInt8(1) % 60 };
}

/** Grows by some kilobytes a day. */
function size(cluster: ClusterRecord, time: number): number {
  const days = Math.floor((time - Date.parse(cluster.created_at)) / day);
  return Math.round((0.0334 + days * 0.00007) * 1e8) / 1e8;
}
