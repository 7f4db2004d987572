import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stopDaemon } from './daemon-process.ts';
import { endStrayPlugins } from './pulumi-strays.ts';
import { endProcess, processesWith } from './running-process.ts';
import { removeServerFolder } from './server.ts';
import type { StateFolder } from './state-folder.ts';

/** Ends every process of the local stack and deletes its folder, in whatever state it is. */
export async function tearDown(folder: StateFolder, say: (line: string) => void): Promise<void> {
  await stopDaemon(folder);
  const clusters = await readdir(folder.clusters).catch(() => []);
  for (const server of [...clusters.map((id) => join(folder.clusters, id)), folder.production]) {
    await removeServerFolder(server).catch((error: unknown) => {
      say(`${server} did not stop by itself: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  await endStrayServers(folder);
  await endStrayPlugins(folder);
  await rm(folder.root, { recursive: true, force: true });
}

/** Servers whose folders are gone already, so that nothing tells of them but their own command lines. */
async function endStrayServers(folder: StateFolder): Promise<void> {
  for (const data of [folder.production, folder.clusters]) {
    const words = ['postgres', `${data}/`];
    for (const pid of await processesWith(words)) await endProcess(pid, words, { signal: 'SIGINT' });
  }
}
