import { Command } from 'commander';
import { readKeptReports } from '../artifact/kept-reports.ts';
import { defaultArtifactFolder } from '../contract.ts';
import type { RefreshConfig } from '../model/config.ts';
import { asRefreshError } from '../model/errors.ts';
import { duration, moment } from '../model/figures.ts';
import { estimateSeconds, lastPublished, mergeRuns, runsOfComment } from '../model/history.ts';
import type { Plan } from '../model/plan.ts';
import { guessTime, type Outlook } from '../model/plan-outlook.ts';
import type { Log } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import { hintFor } from '../model/warning-hint.ts';
import { onlyIn, readMade } from '../postgres/made-objects.ts';
import { catalogSettings, openStaging, type Snapshot } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { policyDefault, type RunFlags, readConfig, stallHelp } from '../stages/config.ts';
import { requireInPlace } from '../stages/in-place/rights.ts';
import { requireRoom, showManagedBackups } from '../stages/managed-service.ts';
import { planJson, planMarkdown, planText, refusedJson, refusedMarkdown } from '../stages/plan/document.ts';
import { plan } from '../stages/plan.ts';
import { inspect } from '../stages/preflight.ts';
import { withSnapshot } from '../stages/snapshot.ts';
import { TrustedSources } from '../stages/trusted-sources.ts';
import { allDone } from '../system/all-done.ts';
import { harmless } from '../system/visible.ts';
import { openCommandLog } from './command-log.ts';
import { reasonOf, withRun } from './run-scope.ts';

/** `refresh plan`: everything up to the first byte written, on stdout; nothing is changed anywhere. */
export function planCommand(): Command {
  return new Command('plan')
    .description('what a run would copy, mask and leave out; writes nothing anywhere')
    .option('--policy <file>', `data policy ${policyDefault}`)
    .option('--jobs <n>', 'as for run: decides which tables are split')
    .option('--owner <role>', 'as for run: checked with the other rights')
    .option('--lock-wait <seconds>', 'how long to wait for a lock on a table (default: 10)')
    .option(
      '--strategy <strategy>',
      'swap: build beside staging and rename; in-place: in staging itself, in one transaction (default: swap)',
    )
    .option('--allow-shrink', 'plan although production has no tables')
    .option('--open-trusted-sources <clusters>', 'as for run: let this machine in, for the time of the plan')
    .option('--runner-address <address>', 'as for run')
    .option('--stall-seconds <n>', stallHelp)
    .option(
      '--artifact <dir>',
      `folder of earlier runs’ reports, for the estimate (default: ${defaultArtifactFolder})`,
    )
    .option('--json', 'print the plan in JSON')
    .option('--markdown', 'print the plan as a Markdown table, for a pull request')
    .addHelpText(
      'after',
      `
Problems come first, then each table in the order in which it is taken up, what is left out and why, and how long it
takes by the last run. Rows are those of production's statistics.

Examples:
  . .local/env && npx --no refresh plan
  npx --no refresh plan --policy other.policy.yaml        # what another policy would do
  npx --no refresh plan --markdown >> "$GITHUB_STEP_SUMMARY"`,
    )
    .action(async (flags: PlanFlags, command: Command) => {
      using log = await openCommandLog(command);
      try {
        const { planned, outlook } = await planRefresh(readConfig(flags, process.env), log);
        print(
          flags,
          () => planJson(planned, outlook),
          () => planMarkdown(planned, outlook),
          () => planText(planned, outlook, process.stdout.columns ?? 100),
        );
      } catch (cause) {
        const { code, message, hint } = asRefreshError(cause);
        const problem = { code, message, hint };
        print(
          flags,
          () => refusedJson(problem),
          () => refusedMarkdown(problem),
        );
        throw cause;
      }
    });
}

interface PlanFlags extends RunFlags {
  readonly json?: boolean;
  readonly markdown?: boolean;
}

interface Planned {
  readonly planned: Plan;
  readonly outlook: Outlook;
}

async function planRefresh(config: RefreshConfig, log: Log): Promise<Planned> {
  return await withRun(config, log, async (run) => {
    const trustedSources = new TrustedSources(run);
    try {
      await trustedSources.open();
      await showManagedBackups(run);
      const { servers } = await inspect(run);
      if (config.strategy === 'in-place') await requireInPlace(run, servers, true);
      return await withSnapshot(run, async (snapshot) => {
        const planned = await plan(run, snapshot);
        await using staging = await openStaging(run, servers.staging.name, catalogSettings);
        await requireRoom(run, servers, staging);
        const [rows, lost] = await allDone([readRowEstimates(snapshot.session), readLost(staging, snapshot)]);
        const outlook = await lookOut(config, servers, planned, rows, log.warnings);
        return { planned, outlook: { ...outlook, lost } };
      });
    } catch (cause) {
      throw asRefreshError(reasonOf(run, cause));
    } finally {
      await trustedSources.close();
    }
  });
}

async function readLost(staging: Session, snapshot: Snapshot): Promise<string> {
  const [here, there] = await allDone([readMade(staging), readMade(snapshot.session)]);
  return onlyIn(here, there);
}

async function lookOut(
  { artifact }: RefreshConfig,
  { production, staging }: Servers,
  planned: Plan,
  rows: ReadonlyMap<number, number>,
  warnings: readonly string[],
): Promise<Omit<Outlook, 'lost'>> {
  const kept = artifact ? await readKeptReports(artifact.folder) : [];
  const last = lastPublished(mergeRuns(kept, runsOfComment(staging.comment)));
  const time = last
    ? {
        seconds: estimateSeconds(last, planned.bytes),
        basis: `the run of ${moment(last.finishedAt)} took ${duration(last.seconds)}`,
      }
    : guessTime(planned);
  const problems = warnings.map((message) => {
    const hint = hintFor(message);
    return { message, ...(hint ? { hint } : {}) };
  });
  const disk = {
    live: staging.bytes,
    next: production.bytes,
    artifact: artifact ? Math.round(planned.bytes * artifactShare) : null,
  };
  return { problems, rows, time, disk };
}

/** A compressed backup takes about this share of the tables. */
const artifactShare = 0.25;

async function readRowEstimates(session: Session): Promise<Map<number, number>> {
  const rows = await session.rows<{ oid: number; rows: number }>(
    `select oid, reltuples::float8 as rows from pg_catalog.pg_class where relkind = 'r' and reltuples >= 0`,
  );
  return new Map(rows.map((row) => [row.oid, row.rows]));
}

function print(
  { json, markdown }: PlanFlags,
  forPrograms: () => object,
  forPullRequests: () => string,
  forPeople?: () => string,
): void {
  if (json) process.stdout.write(`${JSON.stringify(forPrograms(), null, 2)}\n`);
  else if (markdown) process.stdout.write(`${harmless(forPullRequests())}\n`);
  else if (forPeople) process.stdout.write(`${harmless(forPeople())}\n`);
}
