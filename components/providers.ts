import * as digitalocean from '@pulumi/digitalocean';
import * as github from '@pulumi/github';
import type { Account } from './settings.ts';

/** The two providers of a stack, explicit so that no account is ever picked up by accident. */
export interface Providers {
  readonly digitalocean: digitalocean.Provider;
  readonly github: github.Provider;
}

export function createProviders(accounts: {
  readonly digitalOcean: Account;
  readonly gitHub: Account & { readonly owner: string };
}): Providers {
  const { digitalOcean, gitHub } = accounts;
  return {
    digitalocean: new digitalocean.Provider('digitalocean', {
      token: digitalOcean.token,
      apiEndpoint: digitalOcean.apiUrl,
    }),
    github: new github.Provider('github', {
      token: gitHub.token,
      owner: gitHub.owner,
      baseUrl: gitHub.apiUrl,
    }),
  };
}
