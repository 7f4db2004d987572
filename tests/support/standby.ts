import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isRunning, type LocalServer, startServer, stopServer } from '../../scripts/local/server.ts';
import { serverAccount } from '../../scripts/local/server-account.ts';

/**
 * It waits for a primary that never comes, and answers who only reads.
 *
 * @param how `crash` leaves transactions under way: nothing tells the standby how they ended.
 */
export async function becomeStandby(server: LocalServer, how: 'stop' | 'crash' = 'stop'): Promise<void> {
  if (how === 'stop') await stopServer(server);
  else await crash(server);
  const signal = join(server.folder, 'data', 'standby.signal');
  await writeFile(signal, '');
  await (await serverAccount(server.folder, server.bindir)).own(signal);
  await startServer(server);
}

async function crash(server: LocalServer): Promise<void> {
  const pid = await readFile(join(server.folder, 'data', 'postmaster.pid'), 'utf8');
  process.kill(Number.parseInt(pid, 10), 'SIGQUIT');
  while (await isRunning(server)) await setTimeout(20);
}
