import { setTimeout as wait } from 'node:timers/promises';
import { RefreshError } from '../../model/errors.ts';
import { isObject, type Properties, type Property } from './property.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** An answer of 4xx or 5xx. */
export class ApiError extends RefreshError {
  readonly status: number;

  constructor(status: number, request: string, message: string) {
    super('api-refused', `${request}: ${status} ${message}`, { object: request, hint: hintFor(status) });
    this.status = status;
  }
}

const attempts = 5;
const longestPauseSeconds = 30;

/** JSON over HTTP with a bearer token. A request that may have been processed is repeated only if that is harmless. */
export class ApiClient {
  readonly #base: string;
  readonly #token: string;

  /** @param base URL without a slash at the end. */
  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  /** The answer's JSON object; an empty one for an answer without a body. */
  async request(method: Method, path: string, body?: Properties): Promise<Properties> {
    for (let attempt = 1; ; attempt++) {
      const last = attempt === attempts;
      const outcome = await this.#try(method, path, body).catch((cause: unknown) => {
        if (last || method === 'POST') throw unreachable(`${method} ${this.#base}${path}`, cause);
        return { retryAfter: 2 ** (attempt - 1) };
      });
      if ('answer' in outcome) return outcome.answer;
      if ('error' in outcome) {
        if (last || !outcome.again || (method === 'POST' && outcome.error.status !== 429))
          throw outcome.error;
      }
      await wait(Math.min(outcome.retryAfter, longestPauseSeconds) * 1000);
    }
  }

  /** Deletes; what isn't there is deleted. */
  async delete(path: string, body?: Properties): Promise<void> {
    try {
      await this.request('DELETE', path, body);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  /** The answer, or undefined for 404. */
  async find(path: string): Promise<Properties | undefined> {
    try {
      return await this.request('GET', path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #try(method: Method, path: string, body: Properties | undefined): Promise<Outcome> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        accept: 'application/json',
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    const answer = parse(text);
    if (response.ok) return { answer };
    const message = typeof answer.message === 'string' ? answer.message : response.statusText;
    const error = new ApiError(response.status, `${method} ${this.#base}${path}`, message);
    const again = response.status === 429 || response.status >= 500;
    return { error, again, retryAfter: Number(response.headers.get('retry-after') ?? 1) };
  }
}

/** An array of objects in an answer; anything else reads as none. */
export function objectsIn(answer: Properties, name: string): Properties[] {
  const value: Property = answer[name] ?? null;
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** An object in an answer; anything else reads as an empty one. */
export function objectIn(answer: Properties, name: string): Properties {
  const value = answer[name];
  return isObject(value) ? value : {};
}

type Outcome =
  | { readonly answer: Properties }
  | { readonly error: ApiError; readonly again: boolean; readonly retryAfter: number }
  | { readonly retryAfter: number };

function parse(text: string): Properties {
  if (text === '') return {};
  try {
    const value: Property = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {}; // an error page of a proxy, say; the status tells enough
  }
}

function unreachable(request: string, cause: unknown): RefreshError {
  return new RefreshError('api-unavailable', `${request}: no answer`, {
    object: request,
    cause,
    hint: 'npm start brings the local APIs back up; their log is .local/daemon.log',
  });
}

function hintFor(status: number): string {
  if (status === 401) return 'the token is not the one that the API knows: run npm start again';
  if (status === 422 || status === 409)
    return 'the API has something of that name already, or refuses the value';
  return "the API's own message says why";
}
