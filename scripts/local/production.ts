import type { LocalAccount } from './account.ts';
import { saveAccount } from './account.ts';
import type { Authority } from './certificates.ts';
import type { PostgresTools } from './postgres-install.ts';
import { createSampleBusiness } from './sample-business.ts';
import { createServer, type LocalServer, openServer, removeServerFolder, startServer } from './server.ts';
import type { StateFolder } from './state-folder.ts';

export interface Production {
  readonly server: LocalServer;
  readonly account: LocalAccount;
}

/**
 * Production, running and holding the sample business; made at the first start. A making that was cut off is begun
 * anew: until the account says that production is complete, its folder counts for nothing.
 */
export async function startProduction(
  folder: StateFolder,
  account: LocalAccount,
  tools: { readonly postgres: PostgresTools; readonly authority: Authority },
  say: (line: string) => void,
): Promise<Production> {
  const existing = account.production ? await openServer(folder.production) : undefined;
  if (existing) {
    await startServer(existing);
    return { server: existing, account };
  }
  say('making production: a PostgreSQL server with the sample business');
  await removeServerFolder(folder.production);
  const server = await createServer({
    name: account.productionCluster.name,
    folder: folder.production,
    tools: tools.postgres,
    authority: tools.authority,
  });
  const { readerUrl, appUrl, rows } = await createSampleBusiness(server);
  const complete: LocalAccount = { ...account, production: { readerUrl, appUrl, rows } };
  await saveAccount(folder, complete);
  return { server, account: complete };
}
