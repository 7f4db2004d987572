import type * as z from 'zod';
import type { ApiAccess } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import { connectionBroke } from '../system/fetch-failure.ts';
import { pause } from '../system/pause.ts';
import { refusal, unavailable } from './failure.ts';

/** One call. The only POST is a password's reset: nothing that must not be done twice. */
export interface Call<Answer> {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** From `/v2/` on. */
  readonly path: string;
  readonly body?: unknown;
  /** What the answer has to look like; absent where there is none (204). */
  readonly answer?: z.ZodType<Answer>;
  /** The scope that a custom token needs for this call. */
  readonly scope: 'database:read' | 'database:update';
  /** What the call is about, for errors: `cluster 3dd4f852-…`. */
  readonly object: string;
}

export interface TransportOptions {
  /** Ends the call, and the waiting between two attempts. */
  readonly signal?: AbortSignal;
  /** Longest time for one attempt, in milliseconds; 30 s unless said. */
  readonly attemptMs?: number;
  /** First wait after a failure, in milliseconds; it doubles. 500 unless said. */
  readonly firstWaitMs?: number;
}

const attempts = 5;
const longestWaitMs = 8_000;
/** A rate limit that lasts longer is an error: DigitalOcean's window is an hour. */
const longestRateLimitMs = 60_000;

/**
 * DigitalOcean's HTTP interface. GET and POST are repeated on 5xx, on 429 and when the connection breaks. PUT is not: it replaces
 * a whole list, and after a wait that list would be an old one. Its caller reads again instead.
 *
 * @throws RefreshError `api-refused` for what repeating can't help, `api-unavailable` for the rest.
 */
export class Transport {
  readonly #access: ApiAccess;
  readonly #options: TransportOptions;

  constructor(access: ApiAccess, options: TransportOptions = {}) {
    this.#access = access;
    this.#options = options;
  }

  async send<Answer = undefined>(call: Call<Answer>): Promise<Answer> {
    const most = call.method === 'PUT' ? 1 : attempts;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(call);
      if ('answer' in outcome) return outcome.answer;
      if (attempt === most) throw outcome.error;
      await pause(outcome.waitMs ?? this.backoff(attempt), this.#options.signal);
    }
  }

  /** Full jitter: two runs that failed together don't try again together. */
  backoff(attempt: number): number {
    const ceiling = Math.min((this.#options.firstWaitMs ?? 500) * 2 ** (attempt - 1), longestWaitMs);
    return ceiling * (0.5 + Math.random() / 2);
  }

  async #attempt<Answer>(
    call: Call<Answer>,
  ): Promise<{ answer: Answer } | { error: RefreshError; waitMs?: number }> {
    const { url, token } = this.#access;
    const { signal, attemptMs = 30_000 } = this.#options;
    const limit = AbortSignal.timeout(attemptMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${call.path}`, {
        method: call.method,
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          accept: 'application/json',
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        // A redirect would carry the token to wherever it points.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      return { error: unavailable(call, brokenBy(error, limit, attemptMs)) };
    }
    if (response.ok) return { answer: parse(call, text) };
    if (response.status === 429) return rateLimited(call, response.headers);
    if (response.status >= 500) return { error: unavailable(call, `status ${response.status}`) };
    // An answer may repeat what it was sent.
    throw refusal(call, response.status, text.replaceAll(token.reveal(), '[secret]'));
  }
}

function parse<Answer>(call: Call<Answer>, text: string): Answer {
  if (!call.answer) return undefined as Answer;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unexpected(call, 'no JSON', cause);
  }
  const parsed = call.answer.safeParse(json);
  if (parsed.success) return parsed.data;
  // Where, never what: the answer may hold passwords.
  const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole answer');
  throw unexpected(call, `another shape at ${[...new Set(where)].join(', ')}`);
}

function unexpected(call: Call<unknown>, what: string, cause?: unknown): RefreshError {
  return new RefreshError('api-unavailable', `DigitalOcean’s answer has ${what}`, {
    object: `${call.method} ${call.path}`,
    hint: 'does DO_API_URL lead to DigitalOcean’s API? otherwise please report it',
    cause,
  });
}

function brokenBy(error: unknown, limit: AbortSignal, attemptMs: number): string {
  if (limit.aborted) return `no answer within ${attemptMs / 1000} s`;
  return connectionBroke(error);
}

function rateLimited(call: Call<unknown>, headers: Headers): { error: RefreshError; waitMs?: number } {
  const waitMs = rateLimitWait(headers, Date.now());
  if (waitMs === undefined) return { error: unavailable(call, 'too many requests') };
  const at = new Date(Date.now() + waitMs).toISOString().slice(0, 19);
  const error = unavailable(call, `too many requests; the limit is lifted at ${at}Z`);
  if (waitMs > longestRateLimitMs) throw error;
  return { error, waitMs };
}

/** Milliseconds until a new request may be sent: `retry-after` in seconds, else `ratelimit-reset` as Unix time. */
export function rateLimitWait(headers: Headers, now: number): number | undefined {
  const after = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(after) && after >= 0) return after * 1000;
  const reset = Number(headers.get('ratelimit-reset') ?? Number.NaN);
  if (Number.isFinite(reset) && reset > 0) return Math.max(0, reset * 1000 - now);
  return undefined;
}
