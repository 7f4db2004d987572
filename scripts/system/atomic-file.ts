import { open, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file whole or not at all: a temporary name, fsync, rename, fsync of the folder. A reader sees the old
 * content or the new one, also after a crash. What is no regular file (`/dev/null`, a pipe) is written to and never
 * replaced.
 */
export async function writeFileAtomically(path: string, content: string, mode = 0o600): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts && !facts.isFile()) return await writeFile(path, content);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // In a folder of everybody's somebody else may have put a link there, or a file that others may read.
    await unlink(temporary).catch(() => undefined);
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes a rename in this folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
