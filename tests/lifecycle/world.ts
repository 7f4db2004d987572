import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveDigitalOcean } from '../../scripts/local/api/digitalocean.ts';
import { serveGitHub } from '../../scripts/local/api/github.ts';
import type { ApiServer } from '../../scripts/local/api/server.ts';
import { openAuthority } from '../../scripts/local/certificates.ts';
import { LocalClusters } from '../../scripts/local/cluster-host.ts';
import { ApiClient, type Method, objectIn, objectsIn } from '../../scripts/local/in-process/api-client.ts';
import type { Properties } from '../../scripts/local/in-process/property.ts';
import { removeServer } from '../../scripts/local/server.ts';
import { as } from '../support/scenario.ts';
import { dropDatabase, freshDatabase, servers, type TestDatabase, testFolder } from '../support/servers.ts';
import { makeProduction, productionSql, settings, soundFunction } from './production.ts';
import { copyProject } from './project.ts';

/** A value of a stack's config: text, a truth value, or an object or list as YAML holds it. */
export type ConfigValue = string | boolean | object;

/** Keys whose values are kept encrypted. */
export const secretKeys: readonly string[] = [
  'productionDatabaseUrl',
  'digitalOceanToken',
  'githubToken',
  'maskKey',
];

const tokens = { digitalOcean: 'dop_v1_lifecycle_token', gitHub: 'ghp_lifecycle_token' };

/**
 * One account on both emulated services, a production server, and a copy of the project: where stacks live. The
 * emulations run in this process, so a test scripts their faults and reads what was asked of them.
 */
export class World {
  /** Folder of the project's copy. */
  readonly folder: string;
  readonly ocean: ApiClient;
  readonly hub: ApiClient;
  readonly urls: { readonly ocean: string; readonly hub: string };
  readonly production: TestDatabase;
  readonly productionId: string;
  readonly #apis: readonly ApiServer[];
  readonly #clusters: LocalClusters;
  readonly #gaps: string[] = [];

  private constructor(
    folder: string,
    production: TestDatabase,
    productionId: string,
    apis: readonly [ApiServer, ApiServer],
    clusters: LocalClusters,
  ) {
    const [ocean, hub] = apis;
    this.folder = folder;
    this.production = production;
    this.productionId = productionId;
    this.urls = { ocean: ocean.url, hub: hub.url };
    this.ocean = new ApiClient(ocean.url, tokens.digitalOcean);
    this.hub = new ApiClient(`${hub.url}/api/v3`, tokens.gitHub);
    this.#apis = apis;
    this.#clusters = clusters;
  }

  /** @param ownProduction a small server of its own, which can be made a copy of, instead of the tests' common one */
  static async create({ ownProduction = false } = {}): Promise<World> {
    const pair = await servers();
    const folder = await testFolder();
    await copyProject(folder);
    const authority = await openAuthority(join(pair.folder, 'authority'));
    const production = ownProduction
      ? await makeProduction(join(folder, 'production'), authority)
      : await freshDatabase(pair.production, { prefix: 'prod' });
    await as('app', production, (session) => session.query(productionSql));
    const id = randomUUID();
    const clusters = new LocalClusters({
      folder: join(folder, 'clusters'),
      tools: pair.tools,
      authority,
      settings,
      production: { id, server: production.server },
    });
    const { host, port, adminUser: user, adminPassword: password } = production.server;
    const ocean = await serveDigitalOcean({
      stateFile: join(folder, 'digitalocean.json'),
      token: tokens.digitalOcean,
      host: clusters,
      creatingSeconds: 0,
      production: {
        id,
        name: 'shop-production',
        size: 'db-s-1vcpu-2gb',
        version: '16',
        connection: { host, port, user, password, database: 'defaultdb', ca: authority.caPem },
        databases: [production.name],
        users: [pair.app, pair.reader].map((login) => ({ name: login.user, password: login.password })),
      },
    });
    const hub = await serveGitHub({
      stateFile: join(folder, 'github.json'),
      token: tokens.gitHub,
      repositories: ['local/shop', 'local/warehouse', 'elsewhere/shop'].map((path) => {
        const [owner = '', name = ''] = path.split('/');
        return { owner, name };
      }),
    });
    return new World(folder, production, id, [ocean, hub], clusters);
  }

  /** A complete configuration for one stack of this account. */
  config(): Record<string, ConfigValue> {
    return {
      productionCluster: 'shop-production',
      stagingCluster: { name: 'shop-staging', database: 'shop', user: 'app' },
      trustedSources: [{ type: 'ip_addr', value: '127.0.0.1' }],
      repository: 'local/shop',
      ...this.secrets(),
    };
  }

  secrets(): Record<string, string> {
    return {
      productionDatabaseUrl: this.production.url('reader'),
      digitalOceanToken: tokens.digitalOcean,
      githubToken: tokens.gitHub,
      maskKey: 'c'.repeat(64),
    };
  }

  /** What the program and the engine find in their environment. */
  async environment(): Promise<Record<string, string>> {
    const { tools, production } = await servers();
    return {
      DO_API_URL: this.urls.ocean,
      GITHUB_API_URL: this.urls.hub,
      PG_BINDIR: tools.bindir,
      PGSSLROOTCERT: production.caFile,
    };
  }

  async clusters(): Promise<Properties[]> {
    return objectsIn(await this.ocean.request('GET', '/v2/databases?per_page=200'), 'databases');
  }

  /** The cluster of that name. Fails when there is none. */
  async cluster(name: string): Promise<Properties> {
    const found = (await this.clusters()).find((cluster) => cluster.name === name);
    if (!found) throw new Error(`the account has no cluster ${name}`);
    return found;
  }

  /** A cluster that somebody made on the control panel, with the app's database and role in it. */
  async makeCluster(name: string): Promise<string> {
    const answer = await this.ocean.request('POST', '/v2/databases', {
      name,
      engine: 'pg',
      version: '16',
      size: 'db-s-1vcpu-2gb',
      region: 'fra1',
      num_nodes: 1,
    });
    const id = String(objectIn(answer, 'database').id);
    while ((await this.cluster(name)).status !== 'online') await sleep(100);
    await this.ocean.request('POST', `/v2/databases/${id}/dbs`, { name: 'shop' });
    await this.ocean.request('POST', `/v2/databases/${id}/users`, { name: 'app' });
    await this.ocean.request('PUT', `/v2/databases/${id}/firewall`, {
      rules: [{ type: 'ip_addr', value: '127.0.0.1' }],
    });
    return id;
  }

  async rules(name: string): Promise<string[]> {
    const { id } = await this.cluster(name);
    const answer = await this.ocean.request('GET', `/v2/databases/${id}/firewall`);
    return objectsIn(answer, 'rules').map(({ type, value }) => `${type} ${value}`);
  }

  /** `METHOD path` of every request since the last call, both services' in turn. */
  async requests(): Promise<string[]> {
    const lists = await Promise.all(
      [this.ocean, this.hub].map(async (api) => {
        const { requests } = await this.#local(api, 'GET', 'log');
        await this.#local(api, 'DELETE', 'log');
        return objectsIn({ requests: requests ?? [] }, 'requests');
      }),
    );
    const requests = lists.flat();
    this.#gaps.push(...requests.filter(({ known }) => known === false).map(lineOf));
    return requests.map(lineOf);
  }

  /** Requests so far that the emulations have no answer for. */
  async gaps(): Promise<readonly string[]> {
    await this.requests();
    return this.#gaps;
  }

  /** Scripts a fault: see scripts/local/api/fault.ts. */
  async fault(service: 'ocean' | 'hub', fault: Properties): Promise<void> {
    await this.#local(this[service], 'POST', 'faults', fault);
  }

  /** From now on a refresh fails in the middle of its copy; production itself is sound. */
  async breakCopy(): Promise<void> {
    await as('app', this.production, (session) =>
      session.query(soundFunction(`raise exception 'broken on purpose';`)),
    );
  }

  /** From now on a refresh takes half a minute. */
  async slowCopy(): Promise<void> {
    await as('app', this.production, (session) => session.query(soundFunction('perform pg_sleep(1.5);')));
  }

  async mendCopy(): Promise<void> {
    await as('app', this.production, (session) => session.query(soundFunction('')));
  }

  async close(): Promise<void> {
    for (const { id } of await this.clusters())
      if (id !== this.productionId) await this.#clusters.release(String(id));
    for (const api of this.#apis) await api.close();
    const { server } = this.production;
    if (server.folder.startsWith(this.folder)) await removeServer(server);
    else await dropDatabase(this.production);
    await rm(this.folder, { recursive: true, force: true });
  }

  async #local(api: ApiClient, method: Method, path: string, body?: Properties): Promise<Properties> {
    return await api.request(method, `/_local/${path}`, body);
  }
}

function lineOf({ method, path }: Properties): string {
  return `${method} ${path}`;
}
