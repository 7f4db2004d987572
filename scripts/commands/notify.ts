import { appendFile, readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { defaultReportFile } from '../contract.ts';
import { asError } from '../model/errors.ts';
import { type Report, reportSchema } from '../model/report.ts';
import { nextScheduled } from '../model/schedule.ts';
import { readNotification } from '../stages/config/notification.ts';
import { endingLines, type JobSummaryArgs, jobSummary } from '../stages/job-summary.ts';
import { noticeFacts, withoutRows } from '../stages/notify/facts.ts';
import { tell } from '../stages/notify.ts';
import { harmless } from '../system/visible.ts';
import { workflowCommand } from '../system/workflow-command.ts';

interface NotifyFlags {
  readonly report: string;
  readonly outcome?: string;
  readonly schedule?: string;
  readonly artifactName?: string;
  readonly notifyFormat?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `refresh notify`: the workflow's last step. It never fails: what it tells of is over. */
export function notifyCommand(): Command {
  return new Command('notify')
    .description('says how the last refresh ended: in words, and on GitHub as annotations and job summary')
    .option('--report <file>', 'the report of the refresh', defaultReportFile)
    .option('--outcome <outcome>', 'what GitHub says of its step: success, failure, cancelled or skipped')
    .option('--schedule <cron>', 'when it runs, to tell the next time')
    .option('--artifact-name <name>', 'name of the uploaded backup')
    .option('--notify-format <format>', 'as for run')
    .addHelpText(
      'after',
      `
A refresh tells REFRESH_NOTIFY_URL and REFRESH_MAIL_URL itself; this does where it left no report, since it was killed
or never began.

Example:
  npx --no refresh notify --outcome success --schedule '0 2 * * 0'`,
    )
    .action(async (flags: NotifyFlags) => conclude(flags, process.env));
}

async function conclude(flags: NotifyFlags, environment: Environment): Promise<void> {
  const report = await readReport(flags.report);
  const now = new Date();
  const args: JobSummaryArgs = {
    report,
    outcome: flags.outcome ?? (report?.published ? 'success' : 'failure'),
    error: report?.error && withoutRows(report.error, report.exitCode),
    nextRun: flags.schedule === undefined ? undefined : nextScheduled(flags.schedule, now),
    artifactName: flags.artifactName,
    now,
  };
  const lines = endingLines(args);
  process.stdout.write(`${harmless(lines.join('\n'))}\n`);
  if (environment.GITHUB_ACTIONS) process.stdout.write(annotations(args));
  await append(environment.GITHUB_STEP_SUMMARY, jobSummary(args));
  await append(environment.GITHUB_OUTPUT, `published=${report?.published ? 'true' : 'false'}\n`);
  if (report) return;
  try {
    const notification = readNotification(flags, environment);
    const what = `The refresh of staging failed: ${args.outcome === 'cancelled' ? 'it was cancelled' : 'it came to no report'}. Staging is as it was`;
    if (notification) await tell(notification, noticeFacts('refresh.failed', what, environment, now));
  } catch (error) {
    process.stderr.write(`nobody was notified: ${asError(error).message}\n`);
  }
}

/** Undefined where there is none that can be read. */
async function readReport(file: string): Promise<Report | undefined> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function annotations({ report, outcome, error }: JobSummaryArgs): string {
  const warnings = (report?.warnings ?? []).map((warning) =>
    workflowCommand('warning', warning, { title: 'staging-refresh' }),
  );
  return [...warnings, ...errorAnnotation(report, outcome, error)].map((line) => `${line}\n`).join('');
}

function errorAnnotation(
  report: Report | undefined,
  outcome: string,
  error: JobSummaryArgs['error'],
): string[] {
  if (report?.error) {
    const hint = error?.hint ? [`HINT: ${error.hint}`] : [];
    const text = [error?.message ?? 'the log says more', ...hint].join('\n');
    return [workflowCommand('error', text, { title: report.error.code })];
  }
  if (report?.published || outcome === 'success') return [];
  return [
    workflowCommand('error', `the refresh came to no report (${outcome})`, { title: 'staging-refresh' }),
  ];
}

async function append(file: string | undefined, text: string): Promise<void> {
  if (file) await appendFile(file, text);
}
