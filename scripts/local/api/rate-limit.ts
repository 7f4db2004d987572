/** How many requests an hour the token still has. */
export interface RateLimitStanding {
  readonly limit: number;
  readonly remaining: number;
  readonly used: number;
  /** Unix time in seconds when the count begins again. */
  readonly reset: number;
  readonly exceeded: boolean;
}

const hour = 3600;

/** Counts the requests of each token in windows of one hour that begin with the token's first request. */
export class RateLimit {
  readonly #limit: number;
  readonly #windows = new Map<string, { reset: number; used: number }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  count(token: string): RateLimitStanding {
    const window = this.#window(token);
    window.used += 1;
    return this.standing(token);
  }

  standing(token: string): RateLimitStanding {
    const { used, reset } = this.#window(token);
    const limit = this.#limit;
    return {
      limit,
      used: Math.min(used, limit),
      remaining: Math.max(limit - used, 0),
      reset,
      exceeded: used > limit,
    };
  }

  #window(token: string): { reset: number; used: number } {
    const now = Math.floor(Date.now() / 1000);
    const current = this.#windows.get(token);
    if (current && current.reset > now) return current;
    const fresh = { reset: now + hour, used: 0 };
    this.#windows.set(token, fresh);
    return fresh;
  }
}
