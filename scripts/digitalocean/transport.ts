import type * as z from 'zod';
import type { ApiAccess } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import { type ApiCall, type ApiManners, ApiTransport, type TransportOptions } from '../system/api-call.ts';
import { refusal, unavailable } from './failure.ts';

/** One call. The only POST is a password's reset: nothing that must not be done twice. */
export interface Call<Answer> extends ApiCall {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** What the answer has to look like; absent where there is none (204). */
  readonly answer?: z.ZodType<Answer>;
  /** The scope that a custom token needs for this call. */
  readonly scope: 'database:read' | 'database:update';
  /** What the call is about, for errors: `cluster 3dd4f852-…`. */
  readonly object: string;
}

const manners: ApiManners<Call<unknown>> = {
  headers: { accept: 'application/json' },
  redirect: 'manual',
  repeated: ['GET', 'POST'],
  rateLimitWait: ({ status, headers }, now) =>
    status === 429 ? (rateLimitWait(headers, now) ?? null) : undefined,
  unavailable,
  refusal,
};

/**
 * DigitalOcean's HTTP interface. A PUT is never repeated: it replaces a whole list, and after a wait that list would be
 * an old one. Its caller reads again instead.
 *
 * @throws RefreshError `api-refused` for what repeating can't help, `api-unavailable` for the rest.
 */
export class Transport {
  readonly #api: ApiTransport<Call<unknown>>;

  constructor(access: ApiAccess, options?: TransportOptions) {
    this.#api = new ApiTransport(access, manners, options);
  }

  async send<Answer = undefined>(call: Call<Answer>): Promise<Answer> {
    return parse(call, (await this.#api.send(call)).toString());
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

/** Milliseconds until a new request may be sent: `retry-after` in seconds, else `ratelimit-reset` as Unix time. */
export function rateLimitWait(headers: Headers, now: number): number | undefined {
  const after = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(after) && after >= 0) return after * 1000;
  const reset = Number(headers.get('ratelimit-reset') ?? Number.NaN);
  if (Number.isFinite(reset) && reset > 0) return Math.max(0, reset * 1000 - now);
  return undefined;
}
