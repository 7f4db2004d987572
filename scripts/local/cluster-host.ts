import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { RefreshError } from '../model/errors.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import type { ClusterConnection, ClusterHost, ClusterOrder } from './api/cluster-host.ts';
import type { Authority } from './certificates.ts';
import type { PostgresTools } from './postgres-install.ts';
import { createDatabase, createUser, dropDatabase, dropUser } from './roles.ts';
import { createServer, type LocalServer, openServer, removeServerFolder, startServer } from './server.ts';
import { superuser, withSession } from './session.ts';

export interface LocalClusterOptions {
  /** Holds one folder for each cluster, named by its id. */
  readonly folder: string;
  readonly tools: PostgresTools;
  readonly authority: Authority;
  /** Lines of each new server's postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The cluster whose server is managed elsewhere: production. */
  readonly production: { readonly id: string; readonly server: LocalServer };
}

/** The clusters of the emulated DigitalOcean account as real PostgreSQL servers on this machine. */
export class LocalClusters implements ClusterHost {
  readonly #options: LocalClusterOptions;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  async provision(order: ClusterOrder): Promise<ClusterConnection> {
    const folder = this.#folderOf(order.id);
    const existing = await openServer(folder);
    if (existing) await startServer(existing);
    const { tools, authority, settings = {} } = this.#options;
    // A real backup is up to a day old; here it is made when it is asked for.
    const origin = order.restore && (await this.#server(order.restore.clusterId));
    const server =
      existing ??
      (await createServer({
        name: order.name,
        folder,
        tools,
        authority,
        settings,
        ...(origin && { origin }),
      }));
    return await this.#connectionOf(server);
  }

  async release(id: string): Promise<void> {
    await removeServerFolder(this.#folderOf(id));
  }

  async createDatabase(id: string, name: string): Promise<void> {
    await createDatabase(await this.#server(id), name);
  }

  async dropDatabase(id: string, name: string): Promise<void> {
    await dropDatabase(await this.#server(id), name);
  }

  async createUser(id: string, name: string, password: string): Promise<void> {
    await createUser(await this.#server(id), name, password);
  }

  async setPassword(id: string, name: string, password: string): Promise<void> {
    const server = await this.#server(id);
    await withSession(server, superuser(server), 'postgres', async (session) => {
      await session.query(`ALTER ROLE ${escapeIdentifier(name)} PASSWORD ${escapeLiteral(password)}`);
    });
    if (name === server.adminUser) await writeFileAtomically(adminPasswordFile(server), password);
  }

  /**
   * What the role owns passes to the administrator. DigitalOcean doesn't publish what becomes of it there; a refresh
   * always leaves the app owner of something: the live database and the one before.
   */
  async dropUser(id: string, name: string): Promise<void> {
    const server = await this.#server(id);
    for (const database of await databasesOf(server)) {
      await withSession(server, superuser(server), database, async (session) => {
        const [role, heir] = [name, server.adminUser].map(escapeIdentifier);
        await session.query(`REASSIGN OWNED BY ${role} TO ${heir}`);
        await session.query(`DROP OWNED BY ${role}`);
      });
    }
    await dropUser(server, name);
  }

  async #server(id: string): Promise<LocalServer> {
    const { production } = this.#options;
    if (id === production.id) return production.server;
    const server = await openServer(this.#folderOf(id));
    if (server) return await withAdminPassword(server);
    throw new RefreshError('host-unreachable', 'the cluster has no server on this machine', {
      object: id,
      hint: 'npm run destroy, then npm start makes the local stack anew',
    });
  }

  async #connectionOf(server: LocalServer): Promise<ClusterConnection> {
    const { adminUser, adminPassword, host, port } = await withAdminPassword(server);
    const { caPem } = this.#options.authority;
    return { host, port, user: adminUser, password: adminPassword, database: 'defaultdb', ca: caPem };
  }

  #folderOf(id: string): string {
    if (!/^[0-9a-f-]{36}$/.test(id))
      throw new RefreshError('bad-file', 'a cluster id is a UUID', { object: id });
    return join(this.#options.folder, id);
  }
}

async function databasesOf(server: LocalServer): Promise<string[]> {
  return await withSession(server, superuser(server), 'postgres', async (session) => {
    const found = await session.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database WHERE NOT datistemplate AND datallowconn',
    );
    return found.rows.map(({ name }) => name);
  });
}

/** Where `reset_auth` of the administrator is remembered. */
function adminPasswordFile(server: LocalServer): string {
  return join(server.folder, 'admin-password');
}

async function withAdminPassword(server: LocalServer): Promise<LocalServer> {
  const changed = await readFile(adminPasswordFile(server), 'utf8').catch(() => undefined);
  return changed === undefined ? server : { ...server, adminPassword: changed };
}
