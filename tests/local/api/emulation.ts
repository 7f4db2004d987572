import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  ClusterConnection,
  ClusterHost,
  ClusterOrder,
} from '../../../scripts/local/api/cluster-host.ts';
import { type DigitalOceanOptions, serveDigitalOcean } from '../../../scripts/local/api/digitalocean.ts';
import { type GitHubOptions, serveGitHub } from '../../../scripts/local/api/github.ts';
import { assertDescribedAnswer, assertDescribedRequest, findOperation } from './description.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers of every shape, and assert what they find
  readonly body: any;
}

export interface CallOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly accept?: string;
}

export type Call = (method: string, path: string, options?: CallOptions) => Promise<Reply>;

export const token = 'a token with every right';
export const certificate = '-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n';

export const production = {
  id: '3dd4f852-539e-45c2-b3a1-7649432bb1c4',
  name: 'shop-production',
  connection: connectionTo(5433, 'production:secret'),
} as const;

/** Takes orders and does nothing: the emulation's books are what is tested here, not a database. */
export class RecordingHost implements ClusterHost {
  readonly orders: string[] = [];
  /** Waited for before a server is ready. */
  ready: Promise<void> = Promise.resolve();

  async provision({ name, version, restore }: ClusterOrder): Promise<ClusterConnection> {
    this.orders.push(
      `provision ${name} ${version}${restore ? ` from ${restore.clusterId} at ${restore.at}` : ''}`,
    );
    await this.ready;
    return connectionTo(5434, `${name}:secret`);
  }

  async release(id: string): Promise<void> {
    this.orders.push(`release ${id}`);
  }

  async createDatabase(_: string, name: string): Promise<void> {
    this.orders.push(`create database ${name}`);
  }

  async dropDatabase(_: string, name: string): Promise<void> {
    this.orders.push(`drop database ${name}`);
  }

  async createUser(_: string, name: string, password: string): Promise<void> {
    this.orders.push(`create user ${name} ${password}`);
  }

  async setPassword(_: string, name: string, password: string): Promise<void> {
    this.orders.push(`set password ${name} ${password}`);
  }

  async dropUser(_: string, name: string): Promise<void> {
    this.orders.push(`drop user ${name}`);
  }
}

export interface Emulation {
  readonly url: string;
  readonly call: Call;
  readonly stateFile: string;
  close(): Promise<void>;
}

/**
 * An emulated DigitalOcean for one test. Every answer that it gives, and every body that it accepts, is checked
 * against DigitalOcean's description.
 */
export async function startDigitalOcean(
  t: TestContext,
  options: Partial<DigitalOceanOptions> = {},
): Promise<Emulation & { readonly host: RecordingHost }> {
  const stateFile = options.stateFile ?? join(await temporaryFolder(t), 'digitalocean.json');
  const host = new RecordingHost();
  const server = await serveDigitalOcean({
    token,
    host,
    production,
    creatingSeconds: 0,
    ...options,
    stateFile,
  });
  t.after(() => server.close());
  const plain = callerOf(server.url);
  const call: Call = async (method, path, request = {}) => {
    const reply = await plain(method, path, request);
    const operation = findOperation(method, path);
    if (operation) {
      assertDescribedAnswer(operation, reply.status, reply.body);
      if (reply.status < 400) assertDescribedRequest(operation, request.body);
    }
    return reply;
  };
  return { ...server, call, stateFile, host };
}

/** An emulated GitHub for one test, with the repository `acme/shop`. */
export async function startGitHub(t: TestContext, options: Partial<GitHubOptions> = {}): Promise<Emulation> {
  const stateFile = options.stateFile ?? join(await temporaryFolder(t), 'github.json');
  const repositories = [{ owner: 'acme', name: 'shop' }];
  const server = await serveGitHub({ token, repositories, ...options, stateFile });
  t.after(() => server.close());
  return { ...server, call: callerOf(server.url), stateFile };
}

/** A clock that stands still until a test moves it. */
export function stoppedClock(start: string): { now(): Date; forward(seconds: number): void } {
  let time = Date.parse(start);
  return {
    now: () => new Date(time),
    forward(seconds) {
      time += seconds * 1000;
    },
  };
}

/** A folder that goes when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'staging-refresh-api-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What `POST /v2/databases` gets from the real provider. */
export function providerOrder(name: string, changes: object = {}): Record<string, unknown> {
  return {
    name,
    engine: 'pg',
    version: '17',
    size: 'db-s-1vcpu-2gb',
    region: 'fra1',
    num_nodes: 1,
    private_network_uuid: '',
    ...changes,
  };
}

function connectionTo(port: number, password: string): ClusterConnection {
  return { host: 'localhost', port, user: 'doadmin', password, database: 'defaultdb', ca: certificate };
}

function callerOf(url: string): Call {
  return async (method, path, { token: given = token, body, accept } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(given !== null && { authorization: `Bearer ${given}` }),
        ...(accept !== undefined && { accept }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : isJson ? JSON.parse(text) : text,
    };
  };
}
