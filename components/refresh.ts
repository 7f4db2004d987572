import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { environmentName, exitCode } from '../scripts/contract.ts';
import type { Summary } from '../scripts/model/report.ts';
import type { EngineEnvironment } from './engine-environment.ts';
import { type EngineSettings, engineFlags } from './engine-flags.ts';
import type { TargetRepository } from './github-access.ts';
import type { PolicyFiles } from './policy-files.ts';
import { afterPublishProblem, readSummary } from './refresh-report.ts';
import type { Account } from './settings.ts';
import { shellWords } from './shell-words.ts';

/** What a stack's settings decide about its refreshes, whatever staging is. */
export interface RefreshSettings extends EngineSettings {
  /** On this machine, or by the workflow: then this machine sees neither database. */
  readonly refreshIn: 'here' | 'github';
  readonly repository: TargetRepository;
  readonly gitHub: Account;
  readonly policy: PolicyFiles;
}

export interface RefreshArgs extends RefreshSettings {
  readonly environment: EngineEnvironment;
  /** Variables whose change is none: they count when a refresh begins, and never again. */
  readonly ignoredVariables?: readonly string[];
  readonly owner: pulumi.Input<string | undefined>;
  /** What staging's cluster was found without: a refresh fills it, and no trigger tells that one is due. */
  readonly missing?: readonly string[];
  /** A change of any of these runs the refresh again; a change of anything else, such as a password, doesn't. */
  readonly triggers: CopyTriggers | { readonly stagingClusterId: pulumi.Input<string> };
}

/** For strategies that copy into a cluster which stays. */
interface CopyTriggers {
  /** For those who want one now. */
  readonly request: string;
  /** Hash of the engine's sources. */
  readonly engine: string;
  readonly productionClusterId: pulumi.Input<string>;
  readonly stagingClusterId: pulumi.Input<string>;
  /** A new database in the same cluster is empty, too. */
  readonly stagingDatabase: pulumi.Input<string>;
}

/** Production's data in staging: the engine, run as this resource's command. Deleting it touches nothing. */
export class Refresh extends pulumi.ComponentResource {
  /** Summary of the last refresh. */
  readonly report: pulumi.Output<Summary>;

  constructor(name: string, args: RefreshArgs, opts?: pulumi.ComponentResourceOptions) {
    super('staging-refresh:components:Refresh', name, {}, opts);
    const command = createCommand(name, args, this);

    this.report = command.stdout.apply(readSummary);
    this.report.apply((report) => warnOf(report, this));
    const { missing = [] } = args;
    if (missing.length > 0) warnOfMissing(missing, command, this.report);
    this.registerOutputs({ report: this.report });
  }
}

function createCommand(name: string, args: RefreshArgs, parent: pulumi.Resource): local.Command {
  return new local.Command(
    `${name}-run`,
    {
      create: pulumi.output(args.owner).apply((owner) => createLine(args, owner)),
      // Without `update`, every changed input would refresh; with it, the last report is kept as it is.
      update: 'printf %s "$PULUMI_COMMAND_STDOUT"',
      addPreviousOutputInEnv: true,
      triggers: triggersOf(args),
      environment: environmentOf(args),
      // stdout is the report; logged, it would be printed again by every update.
      logging: 'stderr',
    },
    // No custom timeout: how long a refresh may take depends on the data.
    { parent, ignoreChanges: args.ignoredVariables?.map((name) => `environment.${name}`) ?? [] },
  );
}

function triggersOf({ triggers, policy, owner }: RefreshArgs): pulumi.Input<string>[] {
  if (!('request' in triggers)) return [triggers.stagingClusterId];
  const { request, engine, productionClusterId, stagingClusterId, stagingDatabase } = triggers;
  // Another owner: the role before it goes after the refresh, and with it whatever rights it had.
  const role = pulumi.output(owner).apply((name) => name ?? '');
  return [request, policy.hash, engine, productionClusterId, stagingClusterId, stagingDatabase, role];
}

/**
 * A published refresh whose report failed is a success: as a failure, the next `pulumi up` would refresh again. Ctrl-C
 * kills this shell and nothing else: the launcher watches it, and has the engine give up.
 */
function createLine(args: RefreshArgs, owner: string | undefined): string {
  const run = shellWords(['node', 'scripts/launcher.js', ...commandWords(args, owner)]);
  return `REFRESH_SHELL_PID=$$ ${run} || { code=$?; test $code -eq ${exitCode.afterPublish} || exit $code; }`;
}

function commandWords(args: RefreshArgs, owner: string | undefined): string[] {
  if (args.refreshIn === 'github') {
    const { owner: account, name, branch } = args.repository;
    return ['dispatch', '--repository', `${account}/${name}`, '--ref', branch];
  }
  // Who applies the stack from here is on staging's list, or the first refresh could not have run.
  const flags = engineFlags(args, { policy: args.policy.path, owner, openStaging: false });
  return [args.strategy === 'fork' ? 'fork' : 'run', ...flags];
}

function environmentOf({
  refreshIn,
  environment,
  gitHub,
}: RefreshArgs): Record<string, pulumi.Input<string>> {
  if (refreshIn === 'here') return { ...environment };
  return {
    [environmentName.gitHubToken]: pulumi.secret(gitHub.token),
    ...(gitHub.apiUrl === undefined ? {} : { [environmentName.gitHubApiUrl]: gitHub.apiUrl }),
  };
}

async function warnOf(report: Summary, resource: pulumi.Resource): Promise<void> {
  const text = afterPublishProblem(report);
  if (text) await pulumi.log.warn(text, resource);
}

/** Nobody knows a report in the preview of a refresh, and one that this run has made is of what was made before it. */
function warnOfMissing(
  missing: readonly string[],
  command: local.Command,
  report: pulumi.Output<Summary>,
): void {
  const begun = Date.now();
  pulumi.all([command.urn, report]).apply(async ([urn, { startedAt }]) => {
    if (Date.parse(startedAt) >= begun) return;
    await pulumi.log.warn(
      `staging's cluster had no ${missing.join(' and no ')}. "pulumi up --refresh" makes that anew, without data or ` +
        `rights; with --replace '${urn}' it refreshes, too`,
      command,
    );
  });
}
