import { stateAfter } from '../../model/errors.ts';
import { count, duration } from '../../model/figures.ts';
import { formatBytes } from '../../system/log.ts';
import type { EndingFacts, NotificationFacts } from './facts.ts';

/** The facts in lines for people; the link stands apart, since chats and mails write links in their own ways. */
export function wordsOf(facts: NotificationFacts): readonly string[] {
  return 'runId' in facts ? endingWords(facts) : [`${marks[facts.event]} ${facts.what}`];
}

/** The first line without its mark, for a mail's subject. */
export function subjectOf(facts: NotificationFacts): string {
  const [first = ''] = wordsOf(facts);
  return first.replace(/^\S+ /, '');
}

/** As Slack reads a message (its reference, "Formatting text for app surfaces"). */
export function slackText(facts: NotificationFacts): string {
  const lines = wordsOf(facts).join('\n');
  const text = lines.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return facts.link ? `${text}\n<${facts.link}|Log and artifact>` : text;
}

const marks = { 'refresh.started': '🔄', 'refresh.failed': '❌', 'refresh.overdue': '⏰' } as const;

function endingWords(facts: EndingFacts): string[] {
  const { error, managedBackup } = facts;
  const done = facts.event === 'refresh.succeeded';
  return [
    done
      ? `🎉 Staging has production’s data: ${facts.staging}`
      : `❌ The refresh of staging failed: ${facts.staging} ${stateAfter(error?.code, facts.strategy)}`,
    done
      ? `${facts.tables} tables, ${count(facts.rows)} rows, ${formatBytes(facts.bytes)} in ${duration(facts.seconds)}`
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
}
