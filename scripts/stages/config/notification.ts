import { environmentName } from '../../contract.ts';
import type { MailConfig, NotificationConfig } from '../../model/config.ts';
import { RefreshError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { badFlag, webAddress } from './web-address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface NotificationFlags {
  readonly notifyFormat?: string;
  readonly notifyStart?: boolean;
}

/**
 * Who is told; undefined when nobody is.
 *
 * @throws RefreshError `bad-flag`, `bad-environment`; neither address is part of it, since both hold secrets.
 */
export function readNotification(
  flags: NotificationFlags,
  environment: Environment,
): NotificationConfig | undefined {
  const format = flags.notifyFormat ?? 'slack';
  if (format !== 'slack' && format !== 'json') {
    throw badFlag('--notify-format', 'has to be slack or json', 'slack is the default');
  }
  const url = environment[environmentName.notifyUrl];
  const mailUrl = environment[environmentName.mailUrl];
  if (!url && !mailUrl) return undefined;
  return {
    webhook: url ? { url: new Secret(webAddress(url, environmentName.notifyUrl)), format } : undefined,
    mail: mailUrl ? readMail(mailUrl) : undefined,
    atStart: flags.notifyStart ?? false,
  };
}

const local = ['127.0.0.1', 'localhost', '[::1]'];

/** `smtps://` is TLS from the first byte (465), `smtp://` STARTTLS (587), which only this machine's server may lack. */
function readMail(text: string): MailConfig {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    throw badMail('it is no smtps:// URL');
  const from = address(url.searchParams.get('from'));
  const to = (url.searchParams.get('to') ?? '').split(',').flatMap((each) => address(each) ?? []);
  if (!from || to.length === 0) throw badMail('it names no sender (from) or nobody to send it to (to)');
  const tls = url.protocol === 'smtps:';
  const plain = !tls && local.includes(url.hostname);
  return {
    host: url.hostname,
    port: Number(url.port) || (tls ? 465 : 587),
    security: tls ? 'tls' : plain ? 'none' : 'starttls',
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : new Secret(decodeURIComponent(url.password)),
    from,
    to,
  };
}

/** Nothing that could end a header's line and begin another. */
function address(text: string | null): string | undefined {
  const trimmed = text?.trim() ?? '';
  return /^[^\s<>,;:"@]+@[^\s<>,;:"@]+$/.test(trimmed) ? trimmed : undefined;
}

function badMail(message: string): RefreshError {
  return new RefreshError('bad-environment', message, {
    object: environmentName.mailUrl,
    hint: 'smtps://USER:PASSWORD@HOST/?from=ADDRESS&to=ADDRESS,ADDRESS with special characters of the password encoded',
  });
}
