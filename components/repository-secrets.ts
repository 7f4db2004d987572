import * as github from '@pulumi/github';
import * as pulumi from '@pulumi/pulumi';

export interface RepositorySecretsArgs {
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

    this.names = pulumi.all(secrets.map((secret) => secret.secretName));
    this.registerOutputs({ names: this.names });
  }
}

function createSecret(
  name: string,
  secretName: string,
  value: pulumi.Output<string>,
  { repository, environment }: RepositorySecretsArgs,
  parent: pulumi.Resource,
): github.ActionsSecret | github.ActionsEnvironmentSecret {
  const logicalName = `${name}-${secretName.toLowerCase().replaceAll('_', '-')}`;
  return environment === undefined
    ? new github.ActionsSecret(logicalName, { repository, secretName, value }, { parent })
    : new github.ActionsEnvironmentSecret(
        logicalName,
        { repository, environment, secretName, value },
        { parent },
      );
}
