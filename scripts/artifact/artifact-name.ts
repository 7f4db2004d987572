import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const finished = /^prod_backup_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})(_full)?\.sql\.zst(\.age)?$/;
const unfinished =
  /^(?:prod|staging)_backup_\d{8}_\d{6}(?:_full)?\.sql\.zst(?:\.age)?\.([\w.-]+)\.(\d+)\.partial$/;

/** `prod_backup_20250105_020000.sql.zst`, in UTC; `_full` says that its rows are production's own. */
export function artifactName(at: Date, content: 'copied' | 'full', encrypted: boolean): string {
  const [date = '', time = ''] = at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').split('T');
  return `prod_backup_${date}_${time}${content === 'full' ? '_full' : ''}.sql.zst${encrypted ? '.age' : ''}`;
}

/**
 * The same in this folder, `staging_backup_…` for what staging was before a refresh, which no retention deletes; a
 * second or more later where another run has taken the name.
 */
export async function freeArtifactPath(
  folder: string,
  at: Date,
  content: 'copied' | 'full',
  encrypted: boolean,
  whose: 'prod' | 'staging' = 'prod',
): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  for (let ms = at.getTime(); ; ms += 1000) {
    const name = artifactName(new Date(ms), content, encrypted).replace(/^prod/, whose);
    if (!names.some((other) => other.startsWith(name))) return join(folder, name);
  }
}

/** When the run began that gave this name; undefined for a name that no run gives. */
export function timeOfName(name: string): Date | undefined {
  const match = finished.exec(name);
  if (!match) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

/** The name while it is being written: who writes tells whether it is still being written. */
export function partialName(path: string): string {
  return `${path}.${machine()}.${process.pid}.partial`;
}

/** Who wrote a file under such a name; undefined for a name that no run gives. */
export function writerOfPartial(name: string): { machine: string; pid: number } | undefined {
  const match = unfinished.exec(name);
  return match ? { machine: match[1] ?? '', pid: Number(match[2]) } : undefined;
}

/** This machine's name as it may stand in a file's. */
export function machine(): string {
  return hostname().replaceAll(/[^\w-]/g, '-') || 'machine';
}
