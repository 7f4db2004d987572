import type { IncomingHttpHeaders } from 'node:http';

/** A request as a handler sees it: authenticated, its path taken apart, its body parsed. */
export interface ApiRequest<Access> {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON body, undefined when the request has none. */
  readonly body: unknown;
  /** What the request's token may do. */
  readonly access: Access;
  /** Address of the emulation itself as the caller wrote it, prefix included: answers hold links. */
  readonly origin: string;
  /** Path without the prefix and without the query. */
  readonly path: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a Buffer is sent as it is. */
  readonly body?: unknown;
}

export type Handler<Access> = (request: ApiRequest<Access>) => Answer | Promise<Answer>;

/** `:name` in a path matches one segment, a `*name` at its end the rest, slashes included. */
export interface Route<Access> {
  readonly method: string;
  readonly path: string;
  readonly handle: Handler<Access>;
}

/** A refusal in the API's own words; each API gives it the body that its error answers have. */
export class Refusal extends Error {
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.details = details;
    this.headers = headers;
  }
}

export interface RouteMatch<Access> {
  readonly route: Route<Access>;
  readonly params: Record<string, string>;
}

/** The first route that answers this method and path, in the order of the list. */
export function findRoute<Access>(
  routes: readonly Route<Access>[],
  method: string,
  path: string,
): RouteMatch<Access> | undefined {
  for (const route of routes) {
    if (route.method !== method) continue;
    const params = matchPath(route.path, path);
    if (params) return { route, params };
  }
  return undefined;
}

/** A parameter that the route's own path promises. */
export function param<Access>(request: ApiRequest<Access>, name: string): string {
  const value = request.params[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith('*')) {
      params[part.slice(1)] = given.slice(index).map(decode).join('/');
      return params;
    }
    const value = given[index];
    if (value === undefined) return undefined;
    if (part.startsWith(':') && value !== '') params[part.slice(1)] = decode(value);
    else if (part !== value) return undefined;
  }
  return wanted.length === given.length ? params : undefined;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
