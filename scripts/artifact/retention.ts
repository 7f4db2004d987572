import { lstat, open, readdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isProcessAlive } from '../system/process-alive.ts';
import { databaseIdOfAge, headerLimitBytes, isOurAge } from './age.ts';
import { machine, timeOfName, writerOfPartial } from './artifact-name.ts';
import { greetingFrame, isArtifact } from './format.ts';
import { ArtifactReader } from './reader.ts';

/** Which of a folder's artifacts stay. */
export interface Retention {
  /** The newest so many; undefined: all. */
  readonly keep: number | undefined;
  /** Those of the last so many days; undefined: all. */
  readonly days: number | undefined;
}

const dayMs = 24 * 3_600_000;
/** Nobody writes to a file for a whole day without writing anything. */
const abandonedMs = dayMs;

/**
 * Deletes the artifacts of one production database that are too many or too old; `newest`, which was just written,
 * stays. Everything else in the folder is neither counted nor deleted: artifacts of another database, what has another
 * name or does not begin as our files do, and an artifact that does not tell its database, since it is damaged or of an
 * older version.
 *
 * @param id of the database, see database-id.ts.
 * @returns paths of the deleted files, and of those artifacts that don't tell.
 */
export async function deleteOldArtifacts(
  folder: string,
  id: string,
  { keep, days }: Retention,
  newest: string,
  now: Date,
): Promise<{ readonly deleted: string[]; readonly unknown: string[] }> {
  const ours: { path: string; at: Date }[] = [];
  const unknown: string[] = [];
  for (const name of await readdir(folder)) {
    const at = timeOfName(name);
    const path = join(folder, name);
    if (!at || !(await isOurs(path))) continue;
    const whose = await databaseIdOf(path);
    if (whose === id) ours.push({ path, at });
    else if (whose === undefined) unknown.push(path);
  }
  ours.sort((a, b) => b.at.getTime() - a.at.getTime() || b.path.localeCompare(a.path));
  const surplus = ours.filter(({ path, at }, place) => {
    if (basename(path) === basename(newest)) return false;
    return (
      (keep !== undefined && place >= keep) ||
      (days !== undefined && at.getTime() < now.getTime() - days * dayMs)
    );
  });
  for (const { path } of surplus) await unlink(path);
  return { deleted: surplus.map(({ path }) => path), unknown };
}

/**
 * Deletes what killed runs have left half-written: files under the names that only runs give, which begin as our files
 * do and whose writer is dead. Of another machine's nobody knows, so those go when they were not touched for a day.
 *
 * @returns paths of the deleted files.
 */
export async function deleteAbandoned(folder: string, now: Date): Promise<string[]> {
  const deleted: string[] = [];
  for (const name of await readdir(folder)) {
    const writer = writerOfPartial(name);
    if (!writer) continue;
    const path = join(folder, name);
    const facts = await lstat(path).catch(() => undefined);
    if (!facts?.isFile()) continue;
    const abandoned =
      now.getTime() - facts.mtimeMs > abandonedMs || (writer.machine === machine() && !isAlive(writer.pid));
    if (!abandoned || !(await beginsAsOurs(path))) continue;
    await unlink(path);
    deleted.push(path);
  }
  return deleted;
}

/** Whether another process of this machine may be writing it. */
function isAlive(pid: number): boolean {
  // In a container that was started again this process may have the number of the one that died.
  return pid !== process.pid && isProcessAlive(pid);
}

async function isOurs(path: string): Promise<boolean> {
  try {
    // A link is somebody's, whatever it leads to; and a FIFO would be waited for.
    if (!(await lstat(path)).isFile()) return false;
    const start = await readStart(path);
    return path.endsWith('.age') ? isOurAge(start) : isArtifact(start, path);
  } catch {
    // Of a newer format, or unreadable: not for us to delete.
    return false;
  }
}

/** Undefined where the file doesn't say. No key is needed for it: an encrypted file says it in its header. */
async function databaseIdOf(path: string): Promise<string | undefined> {
  if (path.endsWith('.age')) return databaseIdOfAge(await readStart(path));
  try {
    await using reader = await ArtifactReader.open(path, undefined);
    return reader?.index.production.id;
  } catch {
    return undefined;
  }
}

/** Of an encrypted file even the header may be cut. */
async function beginsAsOurs(path: string): Promise<boolean> {
  const start = await readStart(path).catch(() => undefined);
  if (!start) return false;
  if (start.length === 0 || isOurAge(start)) return true;
  const greeting = greetingFrame();
  const length = Math.min(start.length, greeting.length);
  return start.subarray(0, length).equals(greeting.subarray(0, length));
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerLimitBytes), 0, headerLimitBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
