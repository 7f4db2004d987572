import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { openAccount, readAccount } from './account.ts';
import { openAuthority } from './certificates.ts';
import { type CommandContext, heed } from './command.ts';
import { startDaemon } from './daemon-process.ts';
import { writeEnvironment } from './environment.ts';
import type { LocalStack } from './local-stack.ts';
import { findPostgres } from './postgres-install.ts';
import { startProduction } from './production.ts';
import { openServer, startServer } from './server.ts';
import { findStaging } from './staging-access.ts';

/** Everything that the program needs, running: the servers that there are, and the two APIs. What runs already stays. */
export async function bringUp({ folder, signal, say }: CommandContext): Promise<LocalStack> {
  forgetOwnTools(folder.root);
  const postgres = await findPostgres(folder.root, say);
  say(`PostgreSQL ${postgres.version} (${postgres.bindir})`);
  heed(signal);
  const authority = await openAuthority(folder.authority);
  const { server, account } = await startProduction(
    folder,
    await openAccount(folder),
    { postgres, authority },
    say,
  );
  heed(signal);
  await startClusters(folder.clusters);
  const apis = await startDaemon(folder);
  say(
    `production on localhost:${server.port}, DigitalOcean at ${apis.digitalOceanUrl}, GitHub at ${apis.gitHubUrl}`,
  );
  // The daemon has written its ports into it.
  const current = (await readAccount(folder)) ?? account;
  const stack: LocalStack = {
    folder,
    account: current,
    tools: postgres,
    production: server,
    apis,
    caPem: authority.caPem,
  };
  await writeEnvironment(stack, await findStaging(stack));
  return stack;
}

/** After a reboot the clusters of the emulated account are down. */
async function startClusters(folder: string): Promise<void> {
  for (const id of await readdir(folder)) {
    const server = await openServer(join(folder, id));
    if (server) await startServer(server);
  }
}

/** A shell that has sourced `.local/env` names tools that may have gone with an earlier local stack. */
function forgetOwnTools(root: string): void {
  if (process.env.PG_BINDIR?.startsWith(root + sep)) delete process.env.PG_BINDIR;
}
