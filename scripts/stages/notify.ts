import type { NotificationConfig } from '../model/config.ts';
import { asError, RefreshError } from '../model/errors.ts';
import type { Report } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import { delivered, repeat } from './notify/attempts.ts';
import { endingFacts, type NotificationFacts, noticeFacts } from './notify/facts.ts';
import { sendMail } from './notify/mail.ts';
import { postWebhook } from './notify/webhook.ts';

export interface NotifyOptions {
  /** First wait after a failed attempt, in milliseconds; it doubles. */
  readonly firstWaitMs?: number;
  /** Longest time for one attempt, in milliseconds. */
  readonly attemptMs?: number;
}

/**
 * Tells webhook and mail how the run ended. Neither holds a value of any row.
 *
 * @throws RefreshError `api-unavailable`, without the webhook's address, which is a secret.
 */
export async function notify(run: Run, report: Report, options: NotifyOptions = {}): Promise<void> {
  const { notification, environment } = run.config;
  if (!notification) return;
  await tell(notification, endingFacts(report, environment), options);
  run.log.info('notified');
}

/** Tells that a refresh begins, where that was asked for; a refusal is a warning, and the refresh goes on. */
export async function notifyStart(run: Run, options: NotifyOptions = {}): Promise<void> {
  const { notification, environment, staging } = run.config;
  if (!notification?.atStart) return;
  const what = `The refresh of staging begins: ${staging.host}/${staging.database}`;
  try {
    await tell(notification, noticeFacts('refresh.started', what, environment), {
      attemptMs: 3000,
      ...options,
    });
  } catch (error) {
    run.log.warn(asError(error).message);
  }
}

/**
 * Both ways at once, each tried three times.
 *
 * @throws RefreshError `api-unavailable` when one of them stays silent; the other one has been tried, too.
 */
export async function tell(
  { webhook, mail }: Pick<NotificationConfig, 'webhook' | 'mail'>,
  facts: NotificationFacts,
  { firstWaitMs = 1000, attemptMs = 10_000 }: NotifyOptions = {},
): Promise<void> {
  const [posted, mailed] = await Promise.all([
    webhook ? repeat(() => postWebhook(webhook, facts, attemptMs), firstWaitMs) : delivered,
    mail ? repeat(() => sendMail(mail, facts, attemptMs), firstWaitMs) : delivered,
  ]);
  if (posted !== delivered) {
    throw new RefreshError('api-unavailable', `the webhook ${posted}`, {
      object: 'REFRESH_NOTIFY_URL',
      hint: 'is the webhook still there? its address is in the settings of the channel that gets the message',
    });
  }
  if (mailed !== delivered) {
    throw new RefreshError('api-unavailable', `the mail server ${mailed}`, {
      object: 'REFRESH_MAIL_URL',
      hint: 'smtps://USER:PASSWORD@HOST/?from=ADDRESS&to=ADDRESS, with special characters of the password encoded',
    });
  }
}
