import * as pulumi from '@pulumi/pulumi';
import { environmentName } from '../scripts/contract.ts';

export interface EngineEnvironmentArgs {
  readonly production: {
    readonly id: pulumi.Input<string>;
    readonly url: pulumi.Input<string>;
    readonly certificate: pulumi.Input<string>;
  };
  readonly staging: {
    readonly clusterId: pulumi.Input<string>;
    readonly url: pulumi.Input<string>;
    readonly certificate: pulumi.Input<string>;
  };
  readonly digitalOceanToken: pulumi.Input<string>;
  readonly maskKey: pulumi.Input<string>;
  readonly notifyUrl: pulumi.Input<string> | undefined;
  readonly mailUrl: pulumi.Input<string> | undefined;
}

/** The engine's environment variables: what a refresh gets here, and the secrets that one gets on GitHub. */
export type EngineEnvironment = Readonly<Record<string, pulumi.Output<string>>>;

/** Credentials come out as secrets, whatever they went in as. */
export function engineEnvironment(args: EngineEnvironmentArgs): EngineEnvironment {
  const { production, staging } = args;
  return {
    [environmentName.productionUrl]: pulumi.secret(production.url),
    [environmentName.productionCa]: pulumi.output(production.certificate),
    [environmentName.productionClusterId]: pulumi.output(production.id),
    [environmentName.stagingUrl]: pulumi.secret(staging.url),
    [environmentName.stagingCa]: pulumi.output(staging.certificate),
    [environmentName.stagingClusterId]: pulumi.output(staging.clusterId),
    [environmentName.digitalOceanToken]: pulumi.secret(args.digitalOceanToken),
    [environmentName.maskKey]: pulumi.secret(args.maskKey),
    ...(args.notifyUrl === undefined ? {} : { [environmentName.notifyUrl]: pulumi.secret(args.notifyUrl) }),
    ...(args.mailUrl === undefined ? {} : { [environmentName.mailUrl]: pulumi.secret(args.mailUrl) }),
  };
}
