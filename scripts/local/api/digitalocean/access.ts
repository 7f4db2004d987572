import type { RateLimitStanding } from '../rate-limit.ts';
import { type ApiRequest, type Handler, Refusal, type Route } from '../route.ts';

/** A scope as DigitalOcean's description names it for each call. */
export type Scope =
  | 'account:read'
  | 'database:read'
  | 'database:create'
  | 'database:update'
  | 'database:delete'
  | 'database:view_credentials';

/** A token of the emulated account: `full`, or a list of custom scopes such as `['database:read']`. */
export interface DigitalOceanToken {
  readonly token: string;
  readonly scopes: 'full' | readonly Scope[];
}

/** What the token of a request may do, and how often still. */
export interface Access {
  readonly scopes: 'full' | readonly Scope[];
  readonly standing: RateLimitStanding;
}

export type DigitalOceanRequest = ApiRequest<Access>;

export interface ScopedRoute {
  readonly method: string;
  readonly path: string;
  readonly scope: Scope;
  readonly handle: Handler<Access>;
}

export function may(access: Access, scope: Scope): boolean {
  return access.scopes === 'full' || access.scopes.includes(scope);
}

/** The route, closed to tokens without its scope (403, which at DigitalOcean does not say which one is missing). */
export function guard({ method, path, scope, handle }: ScopedRoute): Route<Access> {
  return {
    method,
    path,
    handle(request) {
      if (!may(request.access, scope))
        throw new Refusal(403, 'You are not authorized to perform this operation');
      return handle(request);
    },
  };
}
