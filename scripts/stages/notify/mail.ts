import { randomUUID } from 'node:crypto';
import type { MailConfig } from '../../model/config.ts';
import { type Attempt, delivered } from './attempts.ts';
import type { NotificationFacts } from './facts.ts';
import { subjectOf, wordsOf } from './words.ts';

/** One try at the mail server. Reasons name no address and no password. */
export async function sendMail(
  config: MailConfig,
  facts: NotificationFacts,
  attemptMs: number,
): Promise<Attempt> {
  // Read when there is a mail to send: it brings half of Node's own network modules with it.
  const { default: SMTPConnection } = await import('nodemailer/lib/smtp-connection');
  const { host, port, security, user, password, from, to } = config;
  const connection = new SMTPConnection({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: attemptMs,
    greetingTimeout: attemptMs,
    socketTimeout: attemptMs,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      // An error after the end of a step has nobody else to go to.
      connection.on('error', reject);
      const then = (next: () => void) => (error?: Error | null) => (error ? reject(error) : next());
      const send = () => connection.send({ from, to: [...to] }, messageOf(config, facts), then(resolve));
      connection.connect(() => {
        if (user === undefined) send();
        else connection.login({ user, pass: password?.reveal() ?? '' }, then(send));
      });
    });
    connection.quit();
    return delivered;
  } catch (error) {
    connection.close();
    return failureOf(error);
  }
}

/** The server's own words may repeat addresses: only its code and the step are told. */
function failureOf(error: unknown): Attempt {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const refused = typeof responseCode === 'number' && responseCode >= 500;
  const why = typeof responseCode === 'number' ? ` with ${responseCode}` : '';
  return {
    why:
      code === 'EAUTH'
        ? `refused the login${why}`
        : refused
          ? `refused the mail${why}`
          : 'could not be reached',
    final: refused,
  };
}

/** RFC 5322: plain text in UTF-8, in base64 so that no line is too long and none begins with a dot. */
function messageOf({ from, to }: MailConfig, facts: NotificationFacts): string {
  const text = [...wordsOf(facts), ...(facts.link ? ['', `Log and artifact: ${facts.link}`] : []), ''].join(
    '\n',
  );
  return [
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    `Subject: ${encodedWords(subjectOf(facts))}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@staging-refresh.invalid>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    'Auto-Submitted: auto-generated',
    '',
    ...(Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    '',
  ].join('\r\n');
}

/** An encoded word has 75 characters at most and holds whole characters (RFC 2047): as many words as it takes. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((each) => `=?utf-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ');
}
