import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Faults } from './fault.ts';
import { localRoutes } from './local-routes.ts';
import { RequestLog } from './request-log.ts';
import { type Answer, findRoute, Refusal, type Route, type RouteMatch } from './route.ts';

/** What makes one API differ from another. */
export interface Api<Access> {
  readonly routes: readonly Route<Access>[];
  /** Path prefix that is taken off where it is there, such as `/api/v3`. */
  readonly prefix?: string;
  /** The rights of the request's token. Throws a `Refusal` (401, 429) when there are none. */
  authenticate(authorization: string | undefined): Access;
  /** Headers that every answer carries, also one to a refused token (`access` undefined). */
  headers(access: Access | undefined): Readonly<Record<string, string>>;
  refusal(refusal: Refusal): Answer;
  /** Called after each request that may have changed something, before its answer goes out. */
  written(): void;
}

export interface ServeOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** File that gets one line a request. */
  readonly log?: string;
}

export interface ApiServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Ends the connections, also those that wait for an answer, and frees the port. Closing twice is as good as once. */
  close(): Promise<void>;
}

const bodyLimit = 16 * 1024 * 1024;

/** Serves the API on loopback. */
export async function serveApi<Access>(api: Api<Access>, options: ServeOptions): Promise<ApiServer> {
  const conversation = new Conversation(api, options.log);
  const server = createServer((request, response) => {
    conversation.answer(request, response).catch((error: unknown) => {
      // A caller that went away in the middle, or a state that could not be kept: neither gets an answer.
      if (!request.destroyed) process.stderr.write(`local API: ${String(error)}\n`);
      request.destroy();
    });
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  let closed: Promise<unknown> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      closed ??= close(server).then(() => conversation.finished());
      await closed;
    },
  };
}

/** Takes writes one after the other, so that a handler never sees another's half-done work. */
class Conversation<Access> {
  readonly #api: Api<Access>;
  readonly #log: RequestLog;
  readonly #faults = new Faults();
  readonly #local: readonly Route<Access>[];
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(api: Api<Access>, log: string | undefined) {
    this.#api = api;
    this.#log = new RequestLog(log);
    this.#local = localRoutes<Access>(this.#faults, this.#log);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const target = readTarget(request, this.#api.prefix);
    const isLocal = target.path.startsWith('/_local/');
    const routes = isLocal ? [...this.#local, ...this.#api.routes] : this.#api.routes;
    const match = findRoute(routes, method, target.path);
    const body = await readBody(request);
    const strike = async (when: 'before' | 'after') =>
      isLocal ? undefined : this.#faults.strike(when, method, path);
    const processed = async () => {
      const answer = await this.#inTurn(method, () => this.#process(request, body, match, target));
      return (await strike('after')) ?? answer;
    };
    const outcome = (await strike('before')) ?? (await processed());
    const status = typeof outcome === 'string' ? 0 : outcome.status;
    if (!isLocal) this.#log.add({ method, path, status, known: match !== undefined });
    if (outcome === 'reset') request.socket.resetAndDestroy();
    else if (outcome !== 'hang') send(response, outcome);
  }

  /** Resolves when no write is under way. */
  async finished(): Promise<void> {
    await this.#lastWrite;
  }

  async #inTurn(method: string, work: () => Promise<Answer>): Promise<Answer> {
    if (method === 'GET') return await work();
    const result = this.#lastWrite.then(work).finally(() => this.#api.written());
    this.#lastWrite = result.catch(() => undefined);
    return await result;
  }

  async #process(
    request: IncomingMessage,
    body: Buffer | undefined,
    match: RouteMatch<Access> | undefined,
    target: Target,
  ): Promise<Answer> {
    const api = this.#api;
    let access: Access | undefined;
    try {
      access = api.authenticate(request.headers.authorization);
      if (!match) throw new Refusal(404, 'Not Found');
      const answer = await match.route.handle({
        ...target,
        method: request.method ?? 'GET',
        params: match.params,
        headers: request.headers,
        body: parseJson(body),
        access,
      });
      return { ...answer, headers: { ...api.headers(access), ...answer.headers } };
    } catch (error) {
      const refused = error instanceof Refusal ? error : unexpected(error);
      const answer = api.refusal(refused);
      return { ...answer, headers: { ...api.headers(access), ...refused.headers, ...answer.headers } };
    }
  }
}

interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly origin: string;
}

function readTarget(request: IncomingMessage, prefix = ''): Target {
  const host = `http://${request.headers.host ?? '127.0.0.1'}`;
  const url = new URL(request.url ?? '/', host);
  const prefixed = prefix !== '' && url.pathname.startsWith(`${prefix}/`);
  return {
    path: prefixed ? url.pathname.slice(prefix.length) : url.pathname,
    query: url.searchParams,
    origin: prefixed ? `${host}${prefix}` : host,
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= bodyLimit) chunks.push(chunk);
  }
  if (size > bodyLimit) return undefined;
  return Buffer.concat(chunks);
}

function parseJson(body: Buffer | undefined): unknown {
  if (body === undefined) throw new Refusal(413, 'Payload Too Large');
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
}

/** The emulation's own failure, a server's that would not start among them: said on stderr, and as a 500 like theirs. */
function unexpected(error: unknown): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`local API: ${message}\n`);
  return new Refusal(500, `the emulation failed: ${message}`);
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  response.statusCode = status;
  if (body === undefined) {
    response.end();
  } else if (Buffer.isBuffer(body)) {
    response.end(body);
  } else {
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(body));
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
