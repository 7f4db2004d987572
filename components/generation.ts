import { createHash } from 'node:crypto';
import * as pulumi from '@pulumi/pulumi';
import * as z from 'zod';
import { environmentName } from '../scripts/contract.ts';
import { ownStack } from './own-stack.ts';
import type { PolicyFiles } from './policy-files.ts';
import type { StagingAccess } from './staging.ts';

/** One fork of production: a cluster with a name of its own, made beside the one in use. */
export interface Generation {
  /** Eight hexadecimal digits: the same for the same reasons to refresh. */
  readonly suffix: string;
  /** Environment variables that lead to the staging still in use; empty when there is none. */
  readonly previous: Readonly<Record<string, pulumi.Output<string>>>;
}

export interface GenerationArgs {
  readonly strategy: 'swap' | 'in-place' | 'fork';
  readonly refreshTrigger: string;
  readonly policy: PolicyFiles;
  /** Hash of the engine's sources. */
  readonly engine: string;
  readonly productionId: string;
}

/** Names of the variables that lead to the staging still in use. */
export const previousStaging = [
  environmentName.previousStagingUrl,
  environmentName.previousStagingCa,
  environmentName.previousStagingClusterId,
] as const;

/** What the program must know of the staging in use when it makes the next one: kept in one secret output. */
const inUseSchema = z.object({
  refreshTrigger: z.string(),
  clusterId: z.string(),
  url: z.string(),
  certificate: z.string(),
});

export type StagingInUse = z.infer<typeof inUseSchema>;

/** The stack's output that holds it. */
const output = 'stagingInUse';

/**
 * The fork that this stack's settings ask for; undefined for strategies that need none. What is in use is read from the
 * stack's own outputs: those of the last `pulumi up` that went through, since one that fails leaves them alone.
 */
export async function chooseGeneration(
  args: GenerationArgs,
): Promise<{ readonly refreshTrigger: string; readonly generation: Generation | undefined }> {
  if (args.strategy !== 'fork') return { refreshTrigger: args.refreshTrigger, generation: undefined };
  const inUse = await readInUse();
  // A weekly run sets the trigger for itself alone: whoever applies the stack without one keeps what that run has made.
  const refreshTrigger = args.refreshTrigger || inUse?.refreshTrigger || '';
  const reasons = [refreshTrigger, args.policy.hash, args.engine, args.productionId];
  const suffix = createHash('sha256').update(JSON.stringify(reasons)).digest('hex').slice(0, 8);
  return { refreshTrigger, generation: { suffix, previous: previousOf(inUse) } };
}

/** The output of that name. Secret, as the connection in it is. */
export function describeInUse(staging: StagingAccess, refreshTrigger: string): pulumi.Output<StagingInUse> {
  const { clusterId, url, certificate } = staging;
  return pulumi.secret(pulumi.output({ refreshTrigger, clusterId, url, certificate }));
}

async function readInUse(): Promise<StagingInUse | undefined> {
  const own = new pulumi.StackReference('in-use', { name: ownStack() });
  const { secretValue } = await own.getOutputDetails(output);
  const inUse = inUseSchema.safeParse(secretValue);
  return inUse.success ? inUse.data : undefined;
}

function previousOf(inUse: StagingInUse | undefined): Generation['previous'] {
  if (!inUse) return {};
  return {
    [environmentName.previousStagingUrl]: pulumi.secret(inUse.url),
    [environmentName.previousStagingCa]: pulumi.output(inUse.certificate),
    [environmentName.previousStagingClusterId]: pulumi.output(inUse.clusterId),
  };
}
