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
    // Another owner is another provider, so that what is in the old account's repository is deleted there. Pulumi moves
    // no resource for that alone: each says by its replacementTrigger that it is to be made anew.
    github: new github.Provider(`github-${gitHub.owner}`, {
      token: gitHub.token,
      owner: gitHub.owner,
      baseUrl: gitHub.apiUrl,
    }),
  };
}
