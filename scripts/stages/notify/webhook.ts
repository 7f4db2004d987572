import type { WebhookConfig } from '../../model/config.ts';
import { type Attempt, delivered } from './attempts.ts';
import type { NotificationFacts } from './facts.ts';
import { slackText } from './words.ts';

/** One try at the webhook: Slack's `{"text": …}` or, on request, the facts as they are. */
export async function postWebhook(
  { url, format }: WebhookConfig,
  facts: NotificationFacts,
  attemptMs: number,
): Promise<Attempt> {
  try {
    const response = await fetch(url.reveal(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(format === 'slack' ? { text: slackText(facts) } : facts),
      redirect: 'manual',
      signal: AbortSignal.timeout(attemptMs),
    });
    await response.body?.cancel();
    if (response.ok) return delivered;
    const final = response.status < 500 && response.status !== 429;
    return { why: `answered ${response.status}`, final };
  } catch {
    // The cause is left out: it may repeat the address.
    return { why: 'could not be reached', final: false };
  }
}
