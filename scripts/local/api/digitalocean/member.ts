import type { Handler } from '../route.ts';
import type { Access, ScopedRoute } from './access.ts';

/** What can be done with the databases and users of a cluster alike. */
export interface MemberHandlers {
  readonly list: Handler<Access>;
  readonly create: Handler<Access>;
  readonly read: Handler<Access>;
  readonly drop: Handler<Access>;
}

/** Routes of what a cluster has by name: `one` is the name's parameter in the path. */
export function memberRoutes(path: string, one: string, handlers: MemberHandlers): readonly ScopedRoute[] {
  return [
    { method: 'GET', path, scope: 'database:read', handle: handlers.list },
    { method: 'POST', path, scope: 'database:create', handle: handlers.create },
    { method: 'GET', path: `${path}/:${one}`, scope: 'database:read', handle: handlers.read },
    { method: 'DELETE', path: `${path}/:${one}`, scope: 'database:delete', handle: handlers.drop },
  ];
}
