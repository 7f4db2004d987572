import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalServer, startServer, stopServer } from '../../scripts/local/server.ts';
import { serverAccount } from '../../scripts/local/server-account.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';

/** Transactions that a file of pg_xact tells of (manual, 24.1.5 and 65.1; clog.c, slru.h). */
const inOneFile = 32 * 32_768;
/** A third of all numbers: a server freezes its rows before half of them are used. */
const third = Math.floor(2 ** 32 / 3 / inOneFile) * inOneFile;

/**
 * Makes the server's rows 2^32 transactions old, as some are in a production of some years: the numbers of those that
 * made them come again. What `meanwhile` writes is two thirds as old, which age() takes for the future.
 */
export async function growOld(server: LocalServer, meanwhile: () => Promise<unknown>): Promise<void> {
  const account = await serverAccount(server.folder, server.bindir);
  const data = join(server.folder, 'data');
  for (const next of [third, 2 * third, 0]) {
    await freeze(server);
    await stopServer(server);
    const name = (next / inOneFile).toString(16).toUpperCase().padStart(4, '0');
    const file = join(data, 'pg_xact', name);
    await writeFile(file, Buffer.alloc(inOneFile / 4), { mode: 0o600 });
    await account.own(file);
    const numbers = [`--next-transaction-id=${next + firstXid}`, `--epoch=${next === 0 ? 1 : 0}`];
    await account.run('pg_resetwal', [`--pgdata=${data}`, ...numbers]);
    await startServer(server);
    if (next === third) await meanwhile();
  }
  await freeze(server);
}

/** FirstNormalTransactionId in access/transam.h. */
const firstXid = 3;

async function freeze(server: LocalServer): Promise<void> {
  const login = superuser(server);
  const databases = await withSession(server, login, 'postgres', async (session) => {
    await session.query(`alter database template0 allow_connections true`);
    return (await session.query('select datname from pg_database')).rows as { datname: string }[];
  });
  for (const { datname } of databases)
    await withSession(server, login, datname, (session) => session.query('vacuum (freeze)'));
  await withSession(server, login, 'postgres', (session) =>
    session.query(`alter database template0 allow_connections false`),
  );
}
