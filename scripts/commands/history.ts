import { Command } from 'commander';
import { readKeptReports, readReportFile } from '../artifact/kept-reports.ts';
import { defaultArtifactFolder, defaultReportFile, environmentName } from '../contract.ts';
import { asRefreshError } from '../model/errors.ts';
import { change, count, duration, moment } from '../model/figures.ts';
import { contentOf, mergeRuns, type PastRun, pastRunOf, type Trend, trendOf } from '../model/history.ts';
import { readRuns } from '../postgres/run-history.ts';
import { openMaintenanceSession } from '../postgres/run-lock.ts';
import { readStagingConfig } from '../stages/config.ts';
import { formatBytes } from '../system/log.ts';
import { harmless } from '../system/visible.ts';
import { openCommandLog } from './command-log.ts';
import { readTimeoutMinutes } from './timeout-flag.ts';

interface HistoryFlags {
  readonly artifact: string;
  readonly report: string;
  readonly timeoutMinutes: string;
  readonly json?: boolean;
}

/** `refresh history`: past runs, and whether they grow. */
export function historyCommand(): Command {
  return new Command('history')
    .description('past runs: rows, data, time, and how they grow')
    .option('--artifact <dir>', 'folder of the artifacts, where reports are kept', defaultArtifactFolder)
    .option('--report <file>', 'the last report', defaultReportFile)
    .option('--timeout-minutes <n>', 'time limit of the workflow, to tell when it will be reached', '60')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Runs are remembered in two places: reports kept beside the artifacts, failed runs among them, and the comment on
staging's database, where each refresh, rollback and restore leaves a line. With STAGING_DB_URL set both are read, and
the last line says whose content staging has; without it the reports alone.

Example:
  . .local/env && npx --no refresh history`,
    )
    .action(async (flags: HistoryFlags, command: Command) => {
      using log = await openCommandLog(command);
      const minutes = readTimeoutMinutes(flags.timeoutMinutes);
      const last = await readReportFile(flags.report);
      const kept = await readKeptReports(flags.artifact);
      if (kept.length === 0) log.warn(`no report of an earlier run lies in ${flags.artifact}`);
      const remembered = await readStaging((line) => log.warn(line));
      const runs = mergeRuns(last && !last.restored ? [pastRunOf(last)] : [], kept, remembered);
      const trend = trendOf(runs);
      const content = contentOf(remembered);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ version: 1, runs, trend: trend ?? null, content: content ?? null }, null, 2)}\n`
          : harmless(describe(runs, trend, minutes, content)),
      );
    });
}

/** What can't be reached is said; the reports tell the rest. */
async function readStaging(warn: (line: string) => void): Promise<PastRun[]> {
  if (!process.env[environmentName.stagingUrl]) return [];
  const { staging } = readStagingConfig({}, process.env);
  try {
    await using session = await openMaintenanceSession(staging, {
      side: 'staging',
      applicationName: 'staging-refresh history',
    });
    return await readRuns(session, staging.database);
  } catch (cause) {
    warn(`staging’s own memory is missing here: ${asRefreshError(cause).message}`);
    return [];
  }
}

function describe(
  runs: readonly PastRun[],
  trend: Trend | undefined,
  minutes: number,
  content: string | undefined,
): string {
  if (runs.length === 0) return 'no run is remembered, neither beside the artifacts nor in staging\n';
  const lines = runs.map((run, place) => {
    const before = runs.slice(0, place).findLast(({ outcome }) => outcome === 'published');
    const against = (value: (each: PastRun) => number) =>
      before && run.outcome === 'published' ? change(value(run), value(before)) : '';
    return [
      moment(run.finishedAt),
      outcomeOf(run, runs),
      run.rows > 0 ? count(run.rows) : '',
      against(({ rows }) => rows),
      run.bytes > 0 ? formatBytes(run.bytes) : '',
      run.seconds > 0 ? duration(run.seconds) : '',
      against(({ seconds }) => seconds),
    ];
  });
  const head = ['finished', 'outcome', 'rows', '', 'data', 'time', ''];
  const live = content === undefined ? [] : [`staging has the rows of ${nameOf(content, runs)}`];
  return `${[...columns([head, ...lines]), '', ...drift(runs, trend, minutes), ...live].join('\n')}\n`;
}

function outcomeOf({ outcome, error, from }: PastRun, runs: readonly PastRun[]): string {
  if (outcome === 'rolled back')
    return `rolled back to ${from ? nameOf(from, runs) : 'before its first refresh'}`;
  if (outcome === 'restored') return `restored from ${from ?? 'a file'}`;
  return error ? `${outcome}: ${error}` : outcome;
}

function nameOf(runId: string, runs: readonly PastRun[]): string {
  const run = runs.find((each) => each.runId === runId);
  if (!run) return `run ${runId}`;
  return run.outcome === 'restored' ? `${run.from ?? 'a file'}` : `${moment(run.finishedAt)}`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, column) =>
        column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** What is going to hurt if it goes on like this, before it does. */
function drift(runs: readonly PastRun[], trend: Trend | undefined, minutes: number): string[] {
  if (!trend) return ['too few published runs for a trend: it needs four'];
  const percent = (growth: number) => `${growth >= 0 ? '+' : '−'}${Math.abs(growth * 100).toFixed(1)} %`;
  const last = runs.findLast(({ outcome }) => outcome === 'published');
  const lines = [
    `over the last ${trend.runs} published runs, from one to the next: time ${percent(trend.seconds)}, rows ${percent(trend.rows)}, data ${percent(trend.bytes)}`,
  ];
  if (!last || trend.seconds <= 0) return lines;
  const left = (minutes * 60 - last.seconds) / (trend.seconds * last.seconds);
  if (left <= 0)
    lines.push(`the last run took longer than the limit of ${minutes} min: raise timeoutMinutes`);
  else if (left < 52)
    lines.push(
      `at this rate the limit of ${minutes} min is reached in ${Math.ceil(left)} runs: raise timeoutMinutes, or leave tables out by the policy`,
    );
  return lines;
}
