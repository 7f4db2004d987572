import * as pulumi from '@pulumi/pulumi';

/** This stack as the CLI and other stacks know it: `ORGANIZATION/PROJECT/STACK`. */
export function ownStack(): string {
  return [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join('/');
}
