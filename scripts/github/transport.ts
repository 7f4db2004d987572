import type * as z from 'zod';
import type { ApiAccess } from '../model/config.ts';
import { RefreshError } from '../model/errors.ts';
import {
  type ApiCall,
  type ApiManners,
  ApiTransport,
  messageOf,
  type TransportOptions,
} from '../system/api-call.ts';

export interface Call extends ApiCall {
  readonly method: 'GET' | 'POST';
  /** The permission that a fine-grained token needs for it. */
  readonly permission: string;
  /** What the call is about, for errors. */
  readonly object: string;
}

const tokens = 'https://github.com/settings/tokens';

const manners: ApiManners<Call> = {
  headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
  // Downloads are redirected to a storage; fetch takes the token to no other origin.
  redirect: 'follow',
  repeated: ['GET'],
  rateLimitWait,
  unavailable,
  refusal,
};

/**
 * GitHub's REST interface. POST is never repeated: it would start another run.
 *
 * @throws RefreshError `api-refused` for what repeating can't help, `api-unavailable` for the rest.
 */
export class Transport {
  readonly #api: ApiTransport<Call>;

  constructor(access: ApiAccess, options?: TransportOptions) {
    this.#api = new ApiTransport(access, manners, options);
  }

  /** Undefined for an answer without content. */
  async json<Answer>(call: Call, answer: z.ZodType<Answer>): Promise<Answer | undefined> {
    const text = (await this.send(call)).toString();
    if (text === '') return undefined;
    const parsed = answer.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw unavailable(call, 'the answer has another shape than published');
  }

  async send(call: Call): Promise<Buffer> {
    return await this.#api.send(call);
  }
}

/** `retry-after`, or `x-ratelimit-reset` where nothing remains. */
function rateLimitWait({ status, headers }: Response, now: number): number | null | undefined {
  if (status !== 429 && status !== 403) return undefined;
  const after = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(after)) return after * 1000;
  if (headers.get('x-ratelimit-remaining') === '0')
    return Math.max(0, Number(headers.get('x-ratelimit-reset')) * 1000 - now);
  return status === 429 ? null : undefined;
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

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
