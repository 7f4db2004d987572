import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import type { LocalServer } from './local-server.ts';

/** A login of one database of a local server. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

export function superuser(server: LocalServer): Login {
  return { user: server.superuser, password: server.superuserPassword };
}

export function admin(server: LocalServer): Login {
  return { user: server.adminUser, password: server.adminPassword };
}

/** One session over verified TLS, ended whatever happens. */
export async function withSession<Result>(
  server: LocalServer,
  login: Login,
  database: string,
  work: (session: Client) => Promise<Result>,
): Promise<Result> {
  const session = new Client({
    host: server.host,
    port: server.port,
    ...login,
    database,
    ssl: { ca: await readFile(server.caFile, 'utf8') },
  });
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}
