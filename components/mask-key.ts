import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';

export interface MaskKeyArgs {
  /** A key of the team's own; undefined: the stack makes one and keeps it. */
  readonly key: pulumi.Output<string> | undefined;
}

/** Key of the deterministic masks: the same for a stack's whole life, so that a masked value stays the same too. */
export class MaskKey extends pulumi.ComponentResource {
  /** Secret. */
  readonly value: pulumi.Output<string>;

  constructor(name: string, args: MaskKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:MaskKey', name, {}, opts);
    this.value = pulumi.secret(args.key ?? generateKey(name, this).stdout);
    this.registerOutputs({ value: this.value });
  }
}

/** Made once by the command provider, which the stack needs anyway, rather than by a provider of random numbers. */
function generateKey(name: string, parent: pulumi.Resource): local.Command {
  return new local.Command(
    `${name}-generated`,
    {
      interpreter: ['node', '-e'],
      create: 'process.stdout.write(require("node:crypto").randomBytes(32).toString("hex"))',
      logging: 'none',
    },
    {
      parent,
      additionalSecretOutputs: ['stdout'],
      // Without an update command any changed input would run create again, and every mask would change.
      ignoreChanges: ['create', 'interpreter', 'logging'],
    },
  );
}
