import { RefreshError } from '../../model/errors.ts';

/** https, or http to this machine. The text is not part of the error: a webhook's address is a secret. */
export function webAddress(text: string, object: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(url?.hostname ?? '');
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && local))) return text;
  throw new RefreshError(object.startsWith('--') ? 'bad-flag' : 'bad-environment', 'it is no https:// URL', {
    object,
    hint: 'http:// is for this machine alone',
  });
}

export function badFlag(object: string, message: string, hint: string): RefreshError {
  return new RefreshError('bad-flag', message, { object, hint });
}
