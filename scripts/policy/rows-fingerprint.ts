import { createHash } from 'node:crypto';
import type { Policy } from '../model/policy.ts';

/**
 * Equal for policies that do the same to rows, wherever they lie and whatever they run before publishing: SHA-256 in
 * hexadecimal.
 */
export function rowsFingerprint({ unlisted, tables }: Policy): string {
  const rules = tables.map(({ at: _, ...rule }) => rule);
  const text = JSON.stringify({ unlisted, rules }, (_, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
  return createHash('sha256').update(text).digest('hex');
}
