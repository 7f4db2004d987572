import { createHash } from 'node:crypto';
import type { Secret } from '../model/secret.ts';

/** Length of SHA-256's blocks. */
const blockBytes = 64;

/** Names under which a session holds the padded key; SQL reads them by current_setting(). */
export const keySetting = { inner: 'refresh.mask_inner', outer: 'refresh.mask_outer' } as const;

/**
 * HMAC's two padded keys (RFC 2104) in hexadecimal: core PostgreSQL has sha256() and no hmac(), and a bytea has no xor,
 * so the client prepares them.
 */
export function paddedKey(secret: Secret): Readonly<Record<string, string>> {
  const text = Buffer.from(secret.reveal(), 'utf8');
  const key = Buffer.alloc(blockBytes);
  (text.length > blockBytes ? createHash('sha256').update(text).digest() : text).copy(key);
  const padded = (byte: number) => Buffer.from(key.map((value) => value ^ byte)).toString('hex');
  return { [keySetting.inner]: padded(0x36), [keySetting.outer]: padded(0x5c) };
}
