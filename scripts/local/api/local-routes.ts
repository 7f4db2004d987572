import { parseBody } from './body.ts';
import { type Faults, faultSchema } from './fault.ts';
import type { RequestLog } from './request-log.ts';
import type { Route } from './route.ts';

/**
 * What the real API does not have, under `/_local`: a test scripts faults and looks at the requests that came.
 * It needs a token like everything else, and it is neither logged nor struck by faults.
 */
export function localRoutes<Access>(faults: Faults, log: RequestLog): readonly Route<Access>[] {
  return [
    { method: 'GET', path: '/_local/log', handle: () => ({ status: 200, body: { requests: log.list() } }) },
    {
      method: 'DELETE',
      path: '/_local/log',
      handle() {
        log.clear();
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: '/_local/faults',
      handle: () => ({ status: 200, body: { faults: faults.list() } }),
    },
    {
      method: 'POST',
      path: '/_local/faults',
      handle({ body }) {
        faults.add(parseBody(faultSchema, body));
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: '/_local/faults',
      handle() {
        faults.clear();
        return { status: 204 };
      },
    },
  ];
}
