import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalServer, startServer, stopServer } from '../../scripts/local/server.ts';
import { serverAccount } from '../../scripts/local/server-account.ts';

/** It waits for a primary that never comes, and answers who only reads. */
export async function becomeStandby(server: LocalServer): Promise<void> {
  await stopServer(server);
  const signal = join(server.folder, 'data', 'standby.signal');
  await writeFile(signal, '');
  await (await serverAccount(server.folder, server.bindir)).own(signal);
  await startServer(server);
}
