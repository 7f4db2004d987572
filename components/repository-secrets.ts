import * as github from '@pulumi/github';
import * as pulumi from '@pulumi/pulumi';

export interface RepositorySecretsArgs {
  readonly owner: string;
  readonly repository: string;
  /** An existing GitHub environment that holds the secrets; undefined: the repository holds them. */
  readonly environment: string | undefined;
  /** Name of each secret and its value. */
  readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
}

/** The secrets that the weekly workflow reads. */
export class RepositorySecrets extends pulumi.ComponentResource {
  /** Names of the secrets, once GitHub holds them all. */
  readonly names: pulumi.Output<string[]>;

  constructor(name: string, args: RepositorySecretsArgs, opts: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:RepositorySecrets', name, {}, opts);
    const secrets = Object.entries(args.secrets).map(([secretName, value]) =>
      createSecret(name, secretName, pulumi.secret(value), args, this),
    );

    for (const secret of secrets) warnOfDrift(secret);
    this.names = pulumi.all(secrets.map((secret) => secret.secretName));
    this.registerOutputs({ names: this.names });
  }
}

function createSecret(
  name: string,
  secretName: string,
  value: pulumi.Output<string>,
  { owner, repository, environment }: RepositorySecretsArgs,
  parent: pulumi.Resource,
): github.ActionsSecret | github.ActionsEnvironmentSecret {
  // The other way round, a secret that is replaced under its own name would be written and then deleted.
  const opts = { parent, replacementTrigger: owner, deleteBeforeReplace: true };
  const logicalName = `${name}-${secretName.toLowerCase().replaceAll('_', '-')}`;
  return environment === undefined
    ? new github.ActionsSecret(logicalName, { repository, secretName, value }, opts)
    : new github.ActionsEnvironmentSecret(logicalName, { repository, environment, secretName, value }, opts);
}

/**
 * The provider notes on `pulumi refresh` that somebody else wrote a secret, and plans nothing: GitHub tells no value, so
 * only this tells that the workflow may be reading something else.
 */
function warnOfDrift(secret: github.ActionsSecret | github.ActionsEnvironmentSecret): void {
  pulumi
    .all([secret.urn, secret.secretName, secret.updatedAt, secret.remoteUpdatedAt])
    .apply(async ([urn, name, written, found]) => {
      if (!written || !found || written === found) return;
      const repair = `pulumi up --replace '${urn}' writes the stack's value again`;
      await pulumi.log.warn(`secret ${name} was changed on GitHub at ${found}: ${repair}`, secret);
    });
}
