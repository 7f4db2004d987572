import type * as z from 'zod';
import type { ApiAccess } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import { connectionBroke } from '../system/fetch-failure.ts';
import { pause } from '../system/pause.ts';

export interface Call {
  readonly method: 'GET' | 'POST';
  /** From `/repos/` on. */
  readonly path: string;
  readonly body?: unknown;
  /** The permission that a fine-grained token needs for it. */
  readonly permission: string;
  /** What the call is about, for errors. */
  readonly object: string;
}

export interface TransportOptions {
  readonly signal?: AbortSignal;
  /** First wait after a failure, in milliseconds; it doubles. 500 unless said. */
  readonly firstWaitMs?: number;
}

const attempts = 5;
const attemptMs = 30_000;
/** A rate limit that lasts longer is an error. */
const longestWaitMs = 60_000;
const tokens = 'https://github.com/settings/tokens';

/**
 * GitHub's REST interface. GET is repeated on 5xx, on a rate limit and when the connection breaks; POST is not, since it
 * would start another run.
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

  /** Undefined for an answer without content. */
  async json<Answer>(call: Call, answer: z.ZodType<Answer>): Promise<Answer | undefined> {
    const response = await this.send(call);
    const text = await response.text();
    if (text === '') return undefined;
    const parsed = answer.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw unavailable(call, 'the answer has another shape than published');
  }

  async send(call: Call): Promise<Response> {
    const most = call.method === 'GET' ? attempts : 1;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(call);
      if (outcome instanceof Response) return outcome;
      if (attempt === most || (outcome.waitMs ?? 0) > longestWaitMs) throw outcome.error;
      await pause(outcome.waitMs ?? this.#backoff(attempt), this.#options.signal);
    }
  }

  #backoff(attempt: number): number {
    return (this.#options.firstWaitMs ?? 500) * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  }

  async #attempt(call: Call): Promise<Response | { error: RefreshError; waitMs?: number }> {
    const { url, token } = this.#access;
    const { signal } = this.#options;
    const limit = AbortSignal.timeout(attemptMs);
    let response: Response;
    try {
      response = await fetch(`${url}${call.path}`, {
        method: call.method,
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          accept: 'application/vnd.github+json',
          'x-github-api-version': '2022-11-28',
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        // Downloads are redirected to a storage; fetch takes the token to no other origin.
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      return { error: unavailable(call, connectionBroke(error)) };
    }
    if (response.ok) return response;
    const waitMs = rateLimitWait(response, Date.now());
    if (waitMs !== undefined) return { error: unavailable(call, 'too many requests'), waitMs };
    if (response.status >= 500) return { error: unavailable(call, `status ${response.status}`) };
    // An answer may repeat what it was sent.
    throw refusal(call, response.status, (await response.text()).replaceAll(token.reveal(), '[secret]'));
  }
}

/** Milliseconds until a rate limit is lifted: `retry-after`, or `x-ratelimit-reset` where nothing remains. */
function rateLimitWait({ status, headers }: Response, now: number): number | undefined {
  if (status !== 429 && status !== 403) return undefined;
  const after = headers.get('retry-after');
  if (after !== null) return Number(after) * 1000;
  if (headers.get('x-ratelimit-remaining') !== '0') return undefined;
  return Math.max(0, Number(headers.get('x-ratelimit-reset')) * 1000 - now);
}

function refusal(call: Call, status: number, text: string): RefreshError {
  switch (status) {
    case 401:
      return new RefreshError('api-refused', 'GitHub does not know the token', {
        object: 'GITHUB_TOKEN',
        hint: `it was deleted or has expired: make a new one at ${tokens}`,
      });
    case 403:
      return new RefreshError('api-refused', `the token may not do this: ${call.permission}`, {
        object: 'GITHUB_TOKEN',
        hint: `a fine-grained token needs ${call.permission}, a classic one the scope repo: ${tokens}`,
      });
    case 404:
      return new RefreshError('api-refused', `GitHub finds no ${call.object}, or the token may not see it`, {
        object: call.object,
        hint: `pulumi up writes the workflow; a fine-grained token needs ${call.permission}`,
      });
    default: {
      const said = messageOf(text);
      return new RefreshError('api-refused', `GitHub answered ${status}${said ? `: ${said}` : ''}`, {
        object: `${call.method} ${call.path}`,
        hint: 'the message is GitHub’s own',
      });
    }
  }
}

function unavailable(call: Call, why: string): RefreshError {
  return new RefreshError('api-unavailable', `GitHub’s API is not available: ${why}`, {
    object: `${call.method} ${call.path}`,
    hint: 'https://www.githubstatus.com says whether it is down; try again later',
  });
}

function messageOf(text: string): string {
  const json = jsonOf(text);
  const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined;
  return typeof message === 'string' ? message.slice(0, 200) : '';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
