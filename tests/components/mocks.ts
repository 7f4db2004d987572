import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as pulumi from '@pulumi/pulumi';

/** A resource as the program asked for it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  /** Secrets are wrapped: see `isSecretInput` and `plain`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Only looked up: `Resource.get`. */
  readonly isRead: boolean;
}

export const ids = {
  production: '3dd4f852-539e-45c2-b3a1-7649432bb1c4',
  staging: '7a1f1d5e-0000-4000-8000-000000000002',
};

/** Production's password: whatever the program does, it must never come out of a mock again. */
export const productionPassword = 'password-of-productions-doadmin';

const cluster = {
  region: 'fra1',
  size: 'db-s-2vcpu-4gb',
  nodeCount: 2,
  version: '17',
  storageSizeMib: '38912',
};
const connection = {
  host: 'db.example',
  port: 25060,
  user: 'doadmin',
  password: 'st@ging/pass',
  database: 'defaultdb',
};

export const summary = {
  version: 1,
  runId: '20261122T020000Z-ab12',
  outcome: 'published',
  exitCode: 0,
  startedAt: '2026-11-22T02:00:00.000Z',
  finishedAt: '2026-11-22T02:01:00.000Z',
  seconds: 60,
  strategy: 'swap',
  production: { host: 'prod.example', port: 25060, database: 'shop', serverVersion: '17.6' },
  staging: { host: 'db.example', port: 25060, database: 'shop', serverVersion: '17.6' },
  published: null,
  warnings: [],
  tables: 12,
  rows: 3000,
  bytes: 4000,
  reportFile: 'refresh-report.json',
};

export interface MockOptions {
  readonly stdout?: string;
  /** Whether the program is only asked what it would do. */
  readonly preview?: boolean;
  readonly clusters?: readonly string[];
  /** Those that the stack has from its last run, as a reference to itself reads them; all of them secret. */
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** Sets Pulumi's mocks; call it before a component is imported. What is registered is pushed onto the result. */
export function mockPulumi(options: MockOptions = {}): Registered[] {
  const registered: Registered[] = [];
  const clusters = options.clusters ?? ['shop-production', 'shop-staging'];
  void pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, id }) {
        registered.push({ type, name, inputs, isRead: Boolean(id) });
        return { id: id || idOf(type, name), state: { ...inputs, ...stateOf(type, name, options) } };
      },
      call({ token, inputs }) {
        if (token.endsWith('getDatabaseCa:getDatabaseCa'))
          return { certificate: `CA of ${inputs.clusterId}` };
        if (!token.endsWith('getDatabaseCluster:getDatabaseCluster'))
          throw new Error(`unexpected call ${token}`);
        if (!clusters.includes(inputs.name)) return { name: inputs.name };
        const id = inputs.name === 'shop-production' ? ids.production : ids.staging;
        return { ...cluster, ...connection, password: productionPassword, id, name: inputs.name };
      },
    },
    'staging-refresh',
    'test',
    options.preview ?? false,
    'acme',
  );
  return registered;
}

function idOf(type: string, name: string): string {
  return type.endsWith(':DatabaseCluster') ? ids.staging : `${name}-id`;
}

function stateOf(type: string, name: string, { stdout, outputs = {} }: MockOptions): Record<string, unknown> {
  if (type.endsWith(':DatabaseCluster')) return connection;
  if (type === 'pulumi:pulumi:StackReference') return { outputs, secretOutputNames: Object.keys(outputs) };
  if (type !== 'command:local:Command') return {};
  return { stdout: name.startsWith('mask-key') ? 'generated-mask-key' : (stdout ?? JSON.stringify(summary)) };
}

/** The value of an output, once it has one. */
export function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply((value) => resolve(value));
  });
}

const secretSignature = '1b47061264138c4ac30d75fd1eb44270';

export function isSecretInput(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).includes(secretSignature);
}

/** An input without its wrapping. */
export function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isSecretInput(value)) return plain((value as { value: unknown }).value);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Everything of an input that is not secret, as text: what a preview would show. */
export function shown(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (isSecretInput(inner) ? '[secret]' : inner)) ?? '';
}

/** Notes which outputs each component registers. */
export function watchRegisteredOutputs(): Map<pulumi.ComponentResource, string[]> {
  const watched = new Map<pulumi.ComponentResource, string[]>();
  const prototype = pulumi.ComponentResource.prototype as unknown as {
    registerOutputs(outputs?: Record<string, unknown>): void;
  };
  const original = prototype.registerOutputs;
  prototype.registerOutputs = function (this: pulumi.ComponentResource, outputs) {
    // The base class calls it too, with nothing.
    if (outputs) watched.set(this, Object.keys(outputs));
    original.call(this, outputs);
  };
  return watched;
}

/** The fields that a component declares as its outputs. */
export function declaredOutputs(component: pulumi.ComponentResource): string[] {
  return Object.entries(component)
    .filter(([key, value]) => key !== 'urn' && !key.startsWith('__') && pulumi.Output.isInstance(value))
    .map(([key]) => key);
}

export interface GitHubAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** GitHub's API on loopback with fixed answers by path; any other path is a 404. Runs until the process ends. */
export async function answerAsGitHub(
  answers: Readonly<Record<string, GitHubAnswer>>,
): Promise<{ url: string; requests: { path: string; authorization: string | undefined }[] }> {
  const requests: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', authorization: request.headers.authorization });
    const { status = 200, body = {}, headers = {} } = answers[request.url ?? ''] ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
