import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import { environmentName } from '../../scripts/contract.ts';
import { type Authority, openAuthority } from '../../scripts/local/certificates.ts';
import { createDatabase, createReader, createUser } from '../../scripts/local/roles.ts';
import { connectionUrl, createServer, type LocalServer, removeServer } from '../../scripts/local/server.ts';
import { admin, type Login, superuser, withSession } from '../../scripts/local/session.ts';
import {
  production as productionCluster,
  providerOrder,
  RecordingHost,
  startDigitalOcean,
  token,
} from '../local/api/emulation.ts';
import { engineEnvironment, servers, testFolder } from './servers.ts';

/** A production of a test file's own, from whose files forks are made, with the pair's roles. */
export interface Origin {
  readonly server: LocalServer;
  readonly authority: Authority;
  readonly folder: string;
}

export const database = 'shop';

export async function startOrigin(sql: string): Promise<Origin> {
  const { tools, app, reader } = await servers();
  const folder = await testFolder();
  const authority = await openAuthority(join(folder, 'authority'));
  const server = await createServer({
    name: 'origin',
    folder: join(folder, 'origin'),
    tools,
    authority,
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      shared_buffers: '32MB',
      max_prepared_transactions: '4',
      wal_level: 'logical',
      autovacuum: 'off',
    },
  });
  await createUser(server, app.user, app.password);
  await createDatabase(server, database, app.user);
  await createReader(server, reader, database);
  await withSession(server, superuser(server), database, async (session) => {
    // A user that DigitalOcean doesn't know needs one who may change its password.
    await session.query('grant reader to doadmin with admin option');
  });
  await withSession(server, app, database, (session) => session.query(sql));
  return { server, authority, folder };
}

/** A cluster made from production's files, and the account in which it and production are. */
export interface Fork extends AsyncDisposable {
  readonly server: LocalServer;
  readonly environment: Record<string, string>;
  /** `type value` of the fork's trusted sources, sorted. */
  list(): Promise<string[]>;
}

class ForkHost extends RecordingHost {
  readonly #server: LocalServer;

  constructor(server: LocalServer) {
    super();
    this.#server = server;
  }

  override async provision() {
    const { user, password } = admin(this.#server);
    const ca = readFileSync(this.#server.caFile, 'utf8');
    return { host: this.#server.host, port: this.#server.port, user, password, database: 'defaultdb', ca };
  }

  override async setPassword(_: string, name: string, password: string): Promise<void> {
    await withSession(this.#server, superuser(this.#server), 'postgres', async (session) => {
      await session.query(
        `alter role ${session.escapeIdentifier(name)} password ${session.escapeLiteral(password)}`,
      );
    });
  }
}

export async function makeFork(t: TestContext, origin: Origin): Promise<Fork> {
  const { tools } = await servers();
  const server = await createServer({
    name: 'fork',
    folder: join(origin.folder, `fork-${randomBytes(4).toString('hex')}`),
    tools,
    authority: origin.authority,
    origin: origin.server,
  });
  const { host, port } = origin.server;
  const emulation = await startDigitalOcean(t, {
    host: new ForkHost(server),
    production: { ...productionCluster, connection: { ...productionCluster.connection, host, port } },
  });
  const order = await emulation.call('POST', '/v2/databases', { body: providerOrder('shop-fork') });
  const id: string = order.body.database.id;
  // As of a fork: DigitalOcean's books have production's users.
  await emulation.call('POST', `/v2/databases/${id}/users`, { body: { name: 'app' } });
  return {
    server,
    environment: {
      ...(await productionEnvironment(origin)),
      [environmentName.stagingUrl]: connectionUrl(server, 'doadmin', server.adminPassword, database),
      [environmentName.stagingCa]: readFileSync(server.caFile, 'utf8'),
      [environmentName.stagingClusterId]: id,
      [environmentName.productionClusterId]: productionCluster.id,
      [environmentName.digitalOceanToken]: token,
      [environmentName.digitalOceanApiUrl]: emulation.url,
    },
    async list() {
      const { rules } = (await emulation.call('GET', `/v2/databases/${id}/firewall`)).body as {
        rules: { type: string; value: string }[];
      };
      return rules.map(({ type, value }) => `${type} ${value}`).sort();
    },
    [Symbol.asyncDispose]: () => removeServer(server),
  };
}

/** What reads this production, and everything of `engineEnvironment` that is neither server's. */
export async function productionEnvironment({ server }: Origin): Promise<Record<string, string>> {
  const { reader } = await servers();
  const common = await engineEnvironment({ productionDatabase: database, stagingDatabase: database });
  return {
    ...common,
    [environmentName.productionUrl]: connectionUrl(server, reader.user, reader.password, database),
    [environmentName.productionCa]: readFileSync(server.caFile, 'utf8'),
  };
}

/** Files of the server's databases and of what they share in which one of these texts stands. WAL is not among them. */
export async function filesWith(server: LocalServer, texts: readonly string[]): Promise<string[]> {
  await withSession(server, superuser(server), 'postgres', (session) => session.query('checkpoint'));
  const wanted = texts.map((text) => Buffer.from(text));
  return ['base', 'global'].flatMap((folder) => {
    const path = join(server.folder, 'data', folder);
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => {
        const content = readFileSync(file);
        return wanted.some((text) => content.includes(text));
      })
      .map((file) => file.slice(path.length - folder.length));
  });
}

/** Tries a login again and again; tells how it went in the end. */
export function knock(
  t: TestContext,
  server: LocalServer,
  login: Login,
): { stop(): Promise<{ refused: number; inAgain: number }> } {
  let stopped = false;
  t.after(() => {
    stopped = true;
  });
  let refused = 0;
  let inAgain = 0;
  const ca = readFileSync(server.caFile, 'utf8');
  const knocking = (async () => {
    while (!stopped) {
      const session = new Client({ host: server.host, port: server.port, ...login, database, ssl: { ca } });
      session.on('error', () => undefined);
      try {
        await session.connect();
        if (refused > 0) inAgain++;
        await session.end();
      } catch {
        refused++;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await knocking;
      return { refused, inAgain };
    },
  };
}
