import { RefreshError } from '../model/errors.ts';
import { messageOf } from '../system/api-call.ts';

interface Failed {
  readonly method: string;
  readonly path: string;
  readonly scope: string;
  readonly object: string;
}

const tokens = 'https://cloud.digitalocean.com/account/api/tokens';

/** A 4xx in words that an operator can act on. The token is in none of them, nor in a cause. */
export function refusal(call: Failed, status: number, text: string): RefreshError {
  const said = messageOf(text);
  switch (status) {
    case 401:
      return new RefreshError('api-refused', 'DigitalOcean does not know the token', {
        object: 'DO_API_TOKEN',
        hint: `it was deleted or has expired: generate one at ${tokens} and update the secret DO_API_TOKEN`,
      });
    case 403:
      return new RefreshError('api-refused', `the token lacks the scope ${call.scope}`, {
        object: 'DO_API_TOKEN',
        hint: `generate a token with ${call.scope} (Full Access has it) at ${tokens}`,
      });
    case 404:
      return new RefreshError('api-refused', `DigitalOcean finds no ${call.object}`, {
        object: call.object,
        hint: 'the id is in the address of the cluster’s page, cloud.digitalocean.com/databases/ID; refresh doctor lists the clusters that the token sees',
      });
    default:
      return new RefreshError('api-refused', `DigitalOcean answered ${status}${said ? `: ${said}` : ''}`, {
        object: `${call.method} ${call.path}`,
        hint: 'the message is DigitalOcean’s own; its control panel shows the cluster’s state',
      });
  }
}

/** What may be different in a minute. */
export function unavailable(call: Failed, why: string): RefreshError {
  return new RefreshError('api-unavailable', `DigitalOcean’s API is not available: ${why}`, {
    object: `${call.method} ${call.path}`,
    hint: 'https://status.digitalocean.com says whether it is down; try again later',
  });
}
