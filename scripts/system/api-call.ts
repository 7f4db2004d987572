import type { ApiAccess } from '../model/config.ts';
import type { RefreshError } from '../model/errors.ts';
import { connectionBroke } from './fetch-failure.ts';
import { pause } from './pause.ts';

/** One call of a service's HTTP interface. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** From the interface's root on. */
  readonly path: string;
  readonly body?: unknown;
}

export interface TransportOptions {
  /** Ends the call, and the waiting between two attempts. */
  readonly signal?: AbortSignal;
  /** Longest time for one attempt, in milliseconds; 30 s unless said. */
  readonly attemptMs?: number;
  /** First wait after a failure, in milliseconds; it doubles. 500 unless said. */
  readonly firstWaitMs?: number;
}

/** What one service does in its own way. */
export interface ApiManners<Call extends ApiCall> {
  readonly headers: Readonly<Record<string, string>>;
  /** What may be done twice: all else is tried once. */
  readonly repeated: readonly ApiCall['method'][];
  /** What `fetch` does with a redirect: `manual` keeps the token where it was meant to go. */
  readonly redirect: 'follow' | 'manual';
  /** Milliseconds until a rate limit is lifted, null where nobody says; undefined for an answer that is none. */
  rateLimitWait(response: Response, now: number): number | null | undefined;
  /** What may be different in a minute. */
  unavailable(call: Call, why: string): RefreshError;
  /** What repeating can't help; `text` holds no token. */
  refusal(call: Call, status: number, text: string): RefreshError;
}

interface Failed {
  readonly error: RefreshError;
  readonly waitMs?: number;
}

const attempts = 5;
const longestWaitMs = 8_000;
/** A rate limit that lasts longer is an error: it may be an hour. */
const longestRateLimitMs = 60_000;

/**
 * A service's HTTP interface. What may be done twice is repeated on 5xx, on a rate limit and when the connection breaks;
 * all else would be done twice, or, after a wait, with what is old by then.
 */
export class ApiTransport<Call extends ApiCall> {
  readonly #access: ApiAccess;
  readonly #manners: ApiManners<Call>;
  readonly #options: TransportOptions;

  constructor(access: ApiAccess, manners: ApiManners<Call>, options: TransportOptions = {}) {
    this.#access = access;
    this.#manners = manners;
    this.#options = options;
  }

  /** A good answer, whole. @throws RefreshError as the service's manners have it. */
  async send(call: Call): Promise<Buffer> {
    const most = this.#manners.repeated.includes(call.method) ? attempts : 1;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(call);
      if ('body' in outcome) return outcome.body;
      if (attempt === most || (outcome.waitMs ?? 0) > longestRateLimitMs) throw outcome.error;
      await pause(outcome.waitMs ?? this.#backoff(attempt), this.#options.signal);
    }
  }

  /** Jitter: two runs that failed together don't try again together. */
  #backoff(attempt: number): number {
    const ceiling = Math.min((this.#options.firstWaitMs ?? 500) * 2 ** (attempt - 1), longestWaitMs);
    return ceiling * (0.5 + Math.random() / 2);
  }

  async #attempt(call: Call): Promise<Failed | { readonly body: Buffer }> {
    const { signal, attemptMs = 30_000 } = this.#options;
    const limit = AbortSignal.timeout(attemptMs);
    let response: Response;
    let body: Buffer;
    try {
      response = await this.#fetch(call, signal ? AbortSignal.any([signal, limit]) : limit);
      body = Buffer.from(await response.arrayBuffer());
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const why = limit.aborted ? `no answer within ${attemptMs / 1000} s` : connectionBroke(error);
      return { error: this.#manners.unavailable(call, why) };
    }
    if (response.ok) return { body };
    const waitMs = this.#manners.rateLimitWait(response, Date.now());
    if (waitMs !== undefined) return this.#limited(call, waitMs);
    if (response.status >= 500)
      return { error: this.#manners.unavailable(call, `status ${response.status}`) };
    // An answer may repeat what it was sent.
    const said = body.toString().replaceAll(this.#access.token.reveal(), '[secret]');
    throw this.#manners.refusal(call, response.status, said);
  }

  async #fetch(call: Call, signal: AbortSignal): Promise<Response> {
    const { url, token } = this.#access;
    const { headers, redirect } = this.#manners;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    return await fetch(`${url}${call.path}`, {
      method: call.method,
      headers: {
        authorization: `Bearer ${token.reveal()}`,
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      redirect,
      signal,
    });
  }

  #limited(call: Call, waitMs: number | null): Failed {
    if (waitMs === null) return { error: this.#manners.unavailable(call, 'too many requests') };
    const at = new Date(Date.now() + waitMs).toISOString().slice(0, 19);
    const error = this.#manners.unavailable(call, `too many requests; the limit is lifted at ${at}Z`);
    return { error, waitMs };
  }
}

/** The message in the JSON of a refusal; `''` where there is none. */
export function messageOf(text: string): string {
  try {
    const json: unknown = JSON.parse(text);
    const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined;
    return typeof message === 'string' ? message.slice(0, 200) : '';
  } catch {
    return '';
  }
}
