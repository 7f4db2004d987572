import { Document, isScalar, visit } from 'yaml';
import { defaultArtifactFolder, workflow } from '../scripts/contract.ts';
import { shellWords } from './shell-words.ts';
import { type ActionName, actions, type Step, workflowSteps } from './workflow-steps.ts';

export interface WorkflowArgs {
  /** Cron, in UTC. */
  readonly schedule: string;
  readonly timeoutMinutes: number;
  readonly artifactRetentionDays: number;
  /** Default branch: what a run uses, from whichever branch it was started. */
  readonly branch: string;
  /** GitHub environment that holds the secrets. */
  readonly environment: string | undefined;
  /** PostgreSQL's major version of the client tools. */
  readonly postgresqlVersion: number;
  /** Words after `refresh run`. */
  readonly flags: readonly string[];
  /** Names of the secrets that the refresh gets as environment variables of the same names. */
  readonly secrets: readonly string[];
}

/** Text of the weekly workflow: the same arguments give the same bytes. */
export function renderWorkflow(args: WorkflowArgs): string {
  const document = new Document(workflowValue(args));
  document.commentBefore =
    ' Written by `pulumi up` of staging-refresh, which overwrites what is changed here:\n change the stack instead.';
  nameVersions(document);
  return document.toString({ lineWidth: 0 });
}

function workflowValue(args: WorkflowArgs): Record<string, unknown> {
  return {
    name: workflow.displayName,
    on: {
      schedule: [{ cron: args.schedule }],
      workflow_dispatch: { inputs },
    },
    permissions: { contents: 'read' },
    // A second refresh waits for the first one: ending it half-way would only waste its work.
    concurrency: { group: 'staging-refresh', 'cancel-in-progress': false },
    jobs: {
      [workflow.job]: {
        'runs-on': 'ubuntu-24.04',
        'timeout-minutes': args.timeoutMinutes,
        ...(args.environment === undefined ? {} : { environment: args.environment }),
        steps: steps(args),
      },
    },
  };
}

const inputs = {
  jobs: {
    description: 'Connections that copy at the same time (default: cores of the runner)',
    type: 'string',
  },
} as const;

function steps(args: WorkflowArgs): readonly Step[] {
  return workflowSteps({
    branch: args.branch,
    folder: workflow.folder,
    postgresqlVersion: args.postgresqlVersion,
    refresh: `exec ${shellWords(['node', `${workflow.folder}/${workflow.bundle}`, 'run', ...args.flags])}`,
    secrets: args.secrets,
    artifactName: workflow.artifactName,
    artifactFolder: defaultArtifactFolder.replace(/^\.\//, ''),
    artifactRetentionDays: args.artifactRetentionDays,
    nextRun: `cron "${args.schedule}", UTC`,
  });
}

/** A commit id says nothing to a reader: its version stands behind it, where Dependabot looks for it too. */
function nameVersions(document: Document): void {
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value !== 'uses' || !isScalar(value)) return;
      const name = String(value.value).split('@')[0] as ActionName;
      value.comment = ` ${actions[name].version}`;
    },
  });
}
