import { ApiClient } from './api-client.ts';
import { type Properties, textOf } from './property.ts';

/** A client of the account that the provider resource names; without one, of the account in the environment. */
export function clientOf(provider: Properties): ApiClient {
  const endpoint =
    textOf(provider, 'apiEndpoint') ?? process.env.DIGITALOCEAN_API_URL ?? 'https://api.digitalocean.com';
  const token = textOf(provider, 'token') ?? process.env.DIGITALOCEAN_TOKEN ?? '';
  // As the real provider: the path of the endpoint, if any, is dropped.
  return new ApiClient(new URL(endpoint).origin, token);
}
