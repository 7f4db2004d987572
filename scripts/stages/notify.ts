import { setTimeout as sleep } from 'node:timers/promises';
import { exitCode } from '../contract.ts';
import { RefreshError } from '../model/errors.ts';
import type { ManagedBackup, Report } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import { formatBytes } from '../system/log.ts';

export interface NotifyOptions {
  /** First wait after a failed attempt, in milliseconds; it doubles. */
  readonly firstWaitMs?: number;
  /** Longest time for one attempt, in milliseconds. */
  readonly attemptMs?: number;
}

const attempts = 3;

/**
 * Tells the webhook how the run ended: Slack's `{"text": …}` or, on request, the facts as JSON. Neither holds a value of
 * any row: a message that PostgreSQL has worded may quote one, so only its code goes out.
 *
 * @throws RefreshError `api-unavailable`, without the webhook's address, which is a secret.
 */
export async function notify(run: Run, report: Report, options: NotifyOptions = {}): Promise<void> {
  const { notification, environment } = run.config;
  if (!notification) return;
  const facts = factsOf(report, linkOf(environment));
  const body = JSON.stringify(notification.format === 'slack' ? { text: wordsOf(facts) } : facts);
  let why = '';
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await sleep((options.firstWaitMs ?? 1000) * 2 ** (attempt - 2));
    const outcome = await post(notification.url.reveal(), body, options.attemptMs ?? 10_000);
    if (outcome === 'delivered') return run.log.info('notified');
    why = outcome.why;
    if (outcome.final) break;
  }
  throw new RefreshError('api-unavailable', `the webhook ${why}`, {
    object: 'REFRESH_NOTIFY_URL',
    hint: 'is the webhook still there? its address is in the settings of the channel that gets the message',
  });
}

/** What is told, also the shape of the generic JSON. Version 1. */
export interface NotificationFacts {
  readonly version: 1;
  readonly event: 'refresh.succeeded' | 'refresh.failed';
  readonly runId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly seconds: number;
  readonly exitCode: number;
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

function factsOf(report: Report, link: string | undefined): NotificationFacts {
  const { error, published, tables } = report;
  return {
    version: 1,
    event: published ? 'refresh.succeeded' : 'refresh.failed',
    runId: report.runId,
    startedAt: report.startedAt,
    finishedAt: report.finishedAt,
    seconds: report.seconds,
    exitCode: report.exitCode,
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

/** Before the first row is read there is none to quote; these exit codes mean that, or words of our own. */
const beforeAnyRow: readonly number[] = [exitCode.badInput, exitCode.precondition, exitCode.interrupted];

function withoutRows(
  { code, message, hint }: NonNullable<Report['error']>,
  exit: number,
): NonNullable<NotificationFacts['error']> {
  return beforeAnyRow.includes(exit) ? { code, message, ...(hint ? { hint } : {}) } : { code };
}

function wordsOf(facts: NotificationFacts): string {
  const { error, managedBackup } = facts;
  const done = facts.event === 'refresh.succeeded';
  const lines = [
    done
      ? `🎉 Staging has production’s data: ${facts.staging}`
      : `❌ The refresh of staging failed: ${facts.staging} is as it was`,
    done
      ? `${facts.tables} tables, ${facts.rows.toLocaleString('en')} rows, ${formatBytes(facts.bytes)} in ${duration(facts.seconds)}`
      : `after ${duration(facts.seconds)}, at ${facts.finishedAt}`,
    ...(error
      ? [
          `${done ? 'but afterwards: ' : ''}${error.code}${error.message ? `: ${error.message}` : ' (the report says more)'}`,
        ]
      : []),
    ...(error?.hint ? [`Hint: ${error.hint}`] : []),
    ...(facts.warnings > 0 ? [`${facts.warnings} warnings: see the report`] : []),
    ...(managedBackup
      ? [
          `Latest DigitalOcean backup: ${managedBackup.createdAt} (${formatBytes(managedBackup.sizeGigabytes * 1e9)})`,
        ]
      : []),
  ];
  // Slack's three control characters (its reference, "Formatting text for app surfaces").
  const text = lines.join('\n').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return facts.link ? `${text}\n<${facts.link}|Log and artifact>` : text;
}

function duration(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function linkOf(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = environment;
  if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY || !GITHUB_RUN_ID) return undefined;
  return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}

async function post(
  url: string,
  body: string,
  attemptMs: number,
): Promise<'delivered' | { readonly why: string; readonly final: boolean }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(attemptMs),
    });
    await response.body?.cancel();
    if (response.ok) return 'delivered';
    const final = response.status < 500 && response.status !== 429;
    return { why: `answered ${response.status}`, final };
  } catch {
    // The cause is left out: it may repeat the address.
    return { why: 'could not be reached', final: false };
  }
}
