import { exitCode } from '../../contract.ts';
import type { ManagedBackup, Report } from '../../model/report.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How a run ended, also the shape of the generic JSON. Version 1. No value of any row, no credential. */
export interface EndingFacts {
  readonly version: 1;
  readonly event: 'refresh.succeeded' | 'refresh.failed';
  readonly runId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly seconds: number;
  readonly exitCode: number;
  readonly strategy: Report['strategy'];
  readonly production: string;
  readonly staging: string;
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly previousDatabase: string | null;
  readonly warnings: number;
  readonly managedBackup: ManagedBackup | null;
  readonly error?: { readonly code: string; readonly message?: string; readonly hint?: string };
  /** The workflow's run on GitHub. */
  readonly link?: string;
}

/** What there is no report for: a run that begins, one that could not even begin, one that is missed. Version 1. */
export interface NoticeFacts {
  readonly version: 1;
  readonly event: 'refresh.started' | 'refresh.failed' | 'refresh.overdue';
  readonly at: string;
  readonly what: string;
  readonly link?: string;
}

export type NotificationFacts = EndingFacts | NoticeFacts;

export function endingFacts(report: Report, environment: Environment): EndingFacts {
  const { error, published, tables } = report;
  const link = runLink(environment);
  return {
    version: 1,
    event: published ? 'refresh.succeeded' : 'refresh.failed',
    runId: report.runId,
    startedAt: report.startedAt,
    finishedAt: report.finishedAt,
    seconds: report.seconds,
    exitCode: report.exitCode,
    strategy: report.strategy,
    production: `${report.production.host}/${report.production.database}`,
    staging: `${report.staging.host}/${report.staging.database}`,
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    bytes: tables.reduce((sum, table) => sum + table.bytes, 0),
    previousDatabase: published?.previous ?? null,
    warnings: report.warnings.length,
    managedBackup: report.managedBackup ?? null,
    ...(error ? { error: withoutRows(error, report.exitCode) } : {}),
    ...(link ? { link } : {}),
  };
}

export function noticeFacts(
  event: NoticeFacts['event'],
  what: string,
  environment: Environment,
  at = new Date(),
): NoticeFacts {
  const link = runLink(environment);
  return { version: 1, event, at: at.toISOString(), what, ...(link ? { link } : {}) };
}

/** Page of the workflow's run, from the variables that GitHub's runners set; undefined elsewhere. */
function runLink(environment: Environment): string | undefined {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = environment;
  if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY || !GITHUB_RUN_ID) return undefined;
  return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}

/** Before the first row is read there is none to quote; these exit codes mean that, or words of our own. */
const beforeAnyRow: readonly number[] = [exitCode.badInput, exitCode.precondition, exitCode.interrupted];

/** An error as others may read it: a message that PostgreSQL has worded may quote a row, so only its code goes out. */
export function withoutRows(
  { code, message, object, hint }: NonNullable<Report['error']>,
  exit: number,
): NonNullable<EndingFacts['error']> {
  if (!beforeAnyRow.includes(exit)) return { code };
  return { code, message: object ? `${message} (${object})` : message, ...(hint ? { hint } : {}) };
}
