import { createHash } from 'node:crypto';
import * as github from '@pulumi/github';
import * as pulumi from '@pulumi/pulumi';
import { workflow } from '../scripts/contract.ts';
import { type EngineSettings, engineFlags } from './engine-flags.ts';
import type { TargetRepository } from './github-access.ts';
import { ownStack } from './own-stack.ts';
import type { PolicyFiles } from './policy-files.ts';
import type { AdoptedCluster, OwnCluster } from './settings.ts';
import { renderWorkflow } from './workflow.ts';

export interface RefreshWorkflowArgs extends EngineSettings {
  readonly repository: TargetRepository;
  /** Staging's cluster by the name that the stack has for it. */
  readonly cluster: string;
  readonly schedule: string;
  readonly timeoutMinutes: number;
  readonly artifactRetentionDays: number;
  readonly holdUntil: string | undefined;
  readonly alertAfterDays: number;
  readonly dispatchEvent: string | undefined;
  /** The engine as one module, from scripts/bundle.ts, which holds it under GitHub's limit. */
  readonly engine: string;
  readonly policy: PolicyFiles;
  /** Staging has no list of trusted sources: nobody has to be let in. */
  readonly openToAll: boolean;
  readonly owner: pulumi.Input<string | undefined>;
  /** Production's major version: the client tools must not be older, nor older than staging. */
  readonly postgresqlVersion: pulumi.Input<string>;
  readonly staging: Pick<OwnCluster, 'version'> | AdoptedCluster;
  readonly secrets: pulumi.Input<readonly string[]>;
}

/** The weekly refresh on GitHub: the workflow, and in a folder of their own the engine and the policy. A fork's has neither. */
export class RefreshWorkflow extends pulumi.ComponentResource {
  /** Page of the workflow and its runs. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: RefreshWorkflowArgs, opts: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:RefreshWorkflow', name, {}, opts);
    const files = args.strategy === 'fork' ? [] : createEngine(name, args, this);
    // Last, so that no schedule ever finds a workflow without its engine.
    const file = createFile(name, workflow.path, workflowText(args), args, {
      parent: this,
      dependsOn: [...files],
    });

    this.url = file.file.apply(
      (path) => `${args.repository.url}/actions/workflows/${path.split('/').at(-1)}`,
    );
    this.registerOutputs({ url: this.url });
  }
}

/** The engine and the policy, for a workflow that has no program to check out. */
function createEngine(
  name: string,
  args: RefreshWorkflowArgs,
  parent: pulumi.Resource,
): readonly github.RepositoryFile[] {
  const inFolder = (path: string) => `${workflow.folder}/${path}`;
  return [
    createFile(`${name}-engine`, inFolder(workflow.bundle), args.engine, args, { parent }),
    ...args.policy.files.map(({ path, text }) =>
      createFile(`${name}-policy-${slug(path)}`, inFolder(path), text, args, { parent }),
    ),
  ];
}

function createFile(
  name: string,
  file: string,
  content: pulumi.Input<string>,
  { repository }: RefreshWorkflowArgs,
  opts: pulumi.CustomResourceOptions,
): github.RepositoryFile {
  return new github.RepositoryFile(
    name,
    {
      repository: repository.name,
      branch: repository.branch,
      file,
      content,
      overwriteOnCreate: true,
    },
    // The provider would write the new file and then delete the old one, which may be the same.
    { ...opts, replacementTrigger: repository.owner, deleteBeforeReplace: true },
  );
}

function workflowText(args: RefreshWorkflowArgs): pulumi.Output<string> {
  const { repository, policy } = args;
  const [policyFile] = policy.files;
  const asked = 'adopt' in args.staging ? undefined : args.staging.version;
  return pulumi
    .output({ owner: args.owner, version: args.postgresqlVersion, secrets: args.secrets })
    .apply(({ owner, version, secrets }) =>
      renderWorkflow({
        cluster: args.cluster,
        schedule: args.schedule,
        timeoutMinutes: args.timeoutMinutes,
        artifactRetentionDays: args.artifactRetentionDays,
        holdUntil: args.holdUntil,
        alertAfterDays: args.alertAfterDays,
        dispatchEvent: args.dispatchEvent,
        branch: repository.branch,
        environment: repository.environment,
        asksReviewers: repository.asksReviewers,
        postgresqlVersion: Math.max(
          17,
          ...[version, asked ?? version].map((wanted) => Number.parseInt(wanted, 10)),
        ),
        flags: engineFlags(args, {
          policy: policyFile ? `${workflow.folder}/${policyFile.path}` : policy.path,
          owner,
          openStaging: !args.openToAll,
        }),
        secrets,
        forkedBy: args.strategy === 'fork' ? ownStack() : undefined,
      }),
    );
}

/** A logical name for a path; the hash keeps a/b and a-b apart. */
function slug(path: string): string {
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 6);
  return `${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${hash}`;
}
