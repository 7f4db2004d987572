import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalServer } from './local-server.ts';

/** What a server's folder says of it; not `ready` is one whose making was cut off. */
export interface StoredServer {
  readonly ready: boolean;
  readonly server: LocalServer;
}

/** Written under another name and renamed: half a description would orphan the server. */
export async function remember(server: LocalServer, ready: boolean): Promise<void> {
  const file = join(server.folder, 'server.json');
  const stored: StoredServer = { ready, server };
  await writeFile(`${file}.tmp`, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
}

/** The folder may have been moved since: its place now counts, not the one that was written down. */
export async function recall(folder: string): Promise<StoredServer | undefined> {
  const text = await readIfThere(join(folder, 'server.json'));
  if (text === undefined) return undefined;
  const { ready, server } = JSON.parse(text) as StoredServer;
  return { ready, server: { ...server, folder, caFile: join(folder, 'ca.crt') } };
}

/** A file's text; undefined where there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // ESRCH: a file of /proc whose process ended between its opening and its reading.
    const gone =
      error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code));
    if (gone) return undefined;
    throw error;
  }
}
