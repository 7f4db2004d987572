import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isAge } from './age.ts';
import { isArtifact } from './format.ts';

/** Names that the engine gives, which sort by time. */
const artifactName = /^prod_backup_\d{8}_\d{6}\.sql\.zst(\.age)?$/;

/**
 * Deletes the oldest artifacts of a folder but for the newest `keep`. What has another name, or begins like no artifact
 * of ours, was made by somebody else and stays.
 *
 * @returns paths of the deleted files.
 */
export async function deleteOldArtifacts(folder: string, keep: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => artifactName.test(name)).sort();
  const ours: string[] = [];
  for (const name of names) if (await isOurs(join(folder, name))) ours.push(join(folder, name));
  const surplus = ours.slice(0, Math.max(0, ours.length - keep));
  for (const path of surplus) await unlink(path);
  return surplus;
}

async function isOurs(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const start = buffer.subarray(0, bytesRead);
    return path.endsWith('.age') ? isAge(start) : isArtifact(start, path);
  } catch {
    // Of a newer format, or unreadable: not for us to delete.
    return false;
  } finally {
    await file.close();
  }
}
