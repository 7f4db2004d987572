import { Document, isScalar, visit } from 'yaml';
import { defaultArtifactFolder, workflow } from '../scripts/contract.ts';
import { forkSteps, setUpProgram } from './fork-steps.ts';
import { shellWords } from './shell-words.ts';
import { dispatchJob, holdJob, type Job, runner, watchJob, watchSchedule } from './workflow-jobs.ts';
import {
  type ActionName,
  actions,
  checkOutEngine,
  expression,
  type Step,
  setUpNode,
} from './workflow-step.ts';
import { workflowSteps } from './workflow-steps.ts';

export interface WorkflowArgs {
  /** Staging's cluster by the name that the stack has for it: tells whose workflow this is. */
  readonly cluster: string;
  /** Cron, in UTC. */
  readonly schedule: string;
  readonly timeoutMinutes: number;
  readonly artifactRetentionDays: number;
  /** Default branch: what a run uses, from whichever branch it was started. */
  readonly branch: string;
  /** GitHub environment that holds the secrets. */
  readonly environment: string | undefined;
  /** Whether each job that uses it waits for an approval: the daily check must not. */
  readonly asksReviewers: boolean;
  /** PostgreSQL's major version of the client tools. */
  readonly postgresqlVersion: number;
  /** Words after `refresh run`. */
  readonly flags: readonly string[];
  /** Names of the secrets that the refresh gets as environment variables of the same names. */
  readonly secrets: readonly string[];
  /** Scheduled runs before this date are skipped: `2026-12-24`, or a time. */
  readonly holdUntil: string | undefined;
  /** Days without a refresh after which the daily check tells; 0: no check. */
  readonly alertAfterDays: number;
  /** Set for strategy fork: the stack that a run applies, `ORGANIZATION/PROJECT/STACK`. */
  readonly forkedBy?: string | undefined;
  /** Type of the repository_dispatch event after a published refresh. */
  readonly dispatchEvent: string | undefined;
}

/** Text of the weekly workflow: the same arguments give the same bytes. */
export function renderWorkflow(args: WorkflowArgs): string {
  const document = new Document(workflowValue(args));
  document.commentBefore = ` Written by \`pulumi up\` of staging-refresh, which overwrites what is changed here:\n change the stack instead.\n${clusterMark}${args.cluster}`;
  nameVersions(document);
  return document.toString({ lineWidth: 0 });
}

const clusterMark = ' Staging: ';

/** The cluster that a rendered workflow refreshes; undefined where it doesn't say. */
export function refreshedCluster(text: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`#${clusterMark}`))
    ?.slice(clusterMark.length + 1);
}

/** The bundled engine, or that of the program itself. */
const engines = { bundled: `node ${workflow.folder}/${workflow.bundle}`, own: 'node scripts/launcher.js' };
/** The page of all runs has seven daily checks for each refresh: which is which stands in their titles. */
const title = `${workflow.displayName} ${expression(`github.event.schedule == '${watchSchedule}' && '(daily check)' || inputs.${workflow.nonceInput}`)}`;

function workflowValue(args: WorkflowArgs): Record<string, unknown> {
  const watched = args.alertAfterDays > 0;
  const { engine, setUp } = bringing(args);
  return {
    name: workflow.displayName,
    // A dispatch may answer without the run's id: whoever started it finds it by what it put into the title.
    'run-name': title,
    on: {
      schedule: [{ cron: args.schedule }, ...(watched ? [{ cron: watchSchedule }] : [])],
      workflow_dispatch: { inputs: args.forkedBy === undefined ? inputs : forkInputs },
    },
    permissions: { contents: 'read' },
    jobs: {
      hold: holdJob(args.holdUntil),
      [workflow.job]: refreshJob(args),
      ...(watched
        ? {
            watch: watchJob({
              ...args,
              secrets: args.asksReviewers ? [] : args.secrets,
              days: args.alertAfterDays,
              engine,
              setUp,
              notifyFlags: notifyFlags(args),
            }),
          }
        : {}),
      ...(args.dispatchEvent === undefined ? {} : { dispatch: dispatchJob(args.dispatchEvent) }),
    },
  };
}

/** Minutes for what comes after the refresh, so that its time limit is not theirs. */
const afterwardsMinutes = 15;
/** GitHub ends every job after six hours. */
const longestJobMinutes = 360;

function stepMinutes({ timeoutMinutes }: WorkflowArgs): number {
  return Math.min(timeoutMinutes, longestJobMinutes - afterwardsMinutes);
}

function refreshJob(args: WorkflowArgs): Job {
  return {
    needs: 'hold',
    // Held only by what says so; a date that can't be read holds, too, and shows as a failure.
    if: `!cancelled() && github.event.schedule != '${watchSchedule}' && needs.hold.result != 'failure' && needs.hold.outputs.held != 'true'`,
    'runs-on': runner,
    'timeout-minutes': stepMinutes(args) + afterwardsMinutes,
    ...(args.environment === undefined ? {} : { environment: args.environment }),
    // A second refresh waits for the first one: ending it half-way would only waste its work.
    concurrency: { group: 'staging-refresh', 'cancel-in-progress': false },
    outputs: { published: expression('steps.notification.outputs.published') },
    steps: refreshSteps(args),
  };
}

function refreshSteps(given: WorkflowArgs): readonly Step[] {
  const args = { ...given, timeoutMinutes: stepMinutes(given) };
  const { engine } = bringing(args);
  const opened = valueAfter(args.flags, '--open-trusted-sources') ?? '';
  if (args.forkedBy !== undefined)
    return forkSteps({ ...args, engine, opened, stack: args.forkedBy, notifyFlags: notifyFlags(args) });
  return workflowSteps({
    ...args,
    engine,
    flags: inScript(args.flags),
    planFlags: words(only(args.flags, ['--policy', '--owner', '--strategy', ...opening, ...reading])),
    keepsBackup: !args.flags.includes('--no-artifact'),
    doctorFlags: words(only(args.flags, ['--policy', '--owner', '--strategy'])),
    opened,
    notifyFlags: notifyFlags(args),
    artifactFolder: defaultArtifactFolder.replace(/^\.\//, ''),
  });
}

/** Which engine a run has, and the steps that bring it. */
function bringing({ forkedBy, branch }: WorkflowArgs): { engine: string; setUp: readonly Step[] } {
  return forkedBy === undefined
    ? { engine: engines.bundled, setUp: [checkOutEngine(branch, workflow.folder), setUpNode()] }
    : { engine: engines.own, setUp: setUpProgram(branch) };
}

const opening = ['--open-trusted-sources', '--runner-address'];
const reading = ['--jobs', '--lock-wait', '--stall-seconds'];

const inputs = {
  jobs: {
    description: 'Connections that copy at the same time (default: cores of the runner)',
    type: 'string',
  },
  verify: {
    description: 'How the copy is compared with production',
    type: 'choice',
    options: ['counts', 'checksums'],
    default: 'counts',
  },
  allow_shrink: {
    description: 'This once, publish although production has less than half of staging’s rows, or no tables',
    type: 'boolean',
    default: false,
  },
  skip_artifact: { description: 'Make and keep no backup file', type: 'boolean', default: false },
  dry_run: {
    description: 'Only show what would be copied, masked and left out',
    type: 'boolean',
    default: false,
  },
  debug: { description: 'Examine both databases first, at length', type: 'boolean', default: false },
  [workflow.nonceInput]: {
    description: 'Left empty by people: a program finds its own run by it',
    type: 'string',
  },
} as const;

const { dry_run, [workflow.nonceInput]: nonce } = inputs;
/** The others are flags of a copy. */
const forkInputs = { dry_run, [workflow.nonceInput]: nonce };

function notifyFlags({ flags }: WorkflowArgs): string {
  return words(only(flags, ['--notify-format']));
}

/** These flags, each with its value. */
function only(flags: readonly string[], wanted: readonly string[]): string[] {
  return wanted.flatMap((flag) => {
    const value = valueAfter(flags, flag);
    return value === undefined ? [] : [flag, value];
  });
}

function valueAfter(flags: readonly string[], flag: string): string | undefined {
  const index = flags.indexOf(flag);
  return index < 0 ? undefined : flags[index + 1];
}

function words(flags: readonly string[]): string {
  return flags.length === 0 ? '' : ` ${inScript(flags)}`;
}

/** GitHub fills a script in before any shell sees its quotes: what a setting has of that is told to stay as it is. */
function inScript(flags: readonly string[]): string {
  return shellWords(flags).replaceAll('${{', () => expression(`'\${{'`));
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
