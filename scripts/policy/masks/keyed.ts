import * as z from 'zod';
import { literal } from '../../model/table.ts';
import type { Column } from '../column.ts';
import { hmac, hmacHex, hmacNumber, type Mask, noOptions, pick, tooLong } from './mask.ts';

const hashOptions = z.strictObject({
  length: z.int().min(8).max(64).optional().describe('hexadecimal digits, default 32'),
});

/** Tokenisation. */
export const hashMask: Mask<z.infer<typeof hashOptions>> = {
  name: 'hash',
  about: 'hexadecimal digits of a keyed hash',
  options: hashOptions,
  accepts: ['text', 'bytea'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: (options, column) => (column.category === 'bytea' ? 256 : 4 * hashDigits(options, column)),
  refuses: (options, column) =>
    column.length !== null && column.length < 8
      ? `it needs 8 characters, and the column takes ${column.length}`
      : options.length === undefined
        ? undefined
        : tooLong(options.length, column),
  sql: (value, options, column) =>
    column.category === 'bytea'
      ? hmac('hash', `encode(${value}, 'hex')`)
      : hmacHex('hash', value, hashDigits(options, column)),
  shape: (options, column) =>
    column.category === 'bytea' ? undefined : `^[0-9a-f]{${hashDigits(options, column)}}$`,
};

function hashDigits(options: z.infer<typeof hashOptions>, column: Column): number {
  return options.length ?? Math.min(32, column.length ?? 32);
}

const emailOptions = z.strictObject({
  domain: z
    .string()
    .regex(/^[a-z0-9.-]+\.[a-z]{2,}$/)
    .optional()
    .describe('default example.com, which delivers nothing'),
});

/** An address that is nobody's. */
export const emailMask: Mask<z.infer<typeof emailOptions>> = {
  name: 'email',
  about: 'an address made of a keyed hash in a domain that delivers nothing',
  options: emailOptions,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: (options, column) => 4 * emailDigits(options, column),
  refuses: (options, column) =>
    emailDigits(options, column) < 6
      ? `it needs ${8 + emailDomain(options).length} characters, and the column takes ${column.length}`
      : undefined,
  // ASCII's capitals alone: a server's own collations fold others each in its way, and slowly.
  sql: (value, options, column) =>
    `'u' || ${hmacHex('email', `lower((${value})::text collate "C")`, emailDigits(options, column))} || ${literal(`@${emailDomain(options)}`)}`,
  shape: (options, column) =>
    `^u[0-9a-f]{${emailDigits(options, column)}}@${emailDomain(options).replaceAll('.', '[.]')}$`,
};

function emailDomain({ domain }: z.infer<typeof emailOptions>): string {
  return domain ?? 'example.com';
}

function emailDigits(options: z.infer<typeof emailOptions>, column: Column): number {
  return Math.min(20, (column.length ?? 1000) - emailDomain(options).length - 2);
}

/** Digits after +999, a country code that belongs to nobody (ITU-T E.164). */
const phoneDigits = 11;

export const phoneMask: Mask = {
  name: 'phone',
  about: 'an E.164 number below +999, a country code that belongs to nobody',
  options: noOptions,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => Math.log2(10 ** phoneDigits),
  refuses: (_, column) => tooLong(4 + phoneDigits, column),
  sql: (value) => `'+' || ${999 * 10 ** phoneDigits} + ${hmacNumber('phone', value)} % ${10 ** phoneDigits}`,
  shape: () => `^[+]999[0-9]{${phoneDigits}}$`,
};

/** Version 8 of RFC 9562: made of whatever bits one likes. */
export const uuidMask: Mask = {
  name: 'uuid',
  about: 'a UUID of version 8 made of a keyed hash',
  options: noOptions,
  accepts: ['uuid', 'text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => 112,
  refuses: (_, column) => tooLong(36, column),
  sql: (value) =>
    `encode(set_byte(set_byte(substr(${hmac('uuid', value)}, 1, 16), 6, 128), 8, 128), 'hex')::uuid`,
  shape: () => '^[0-9a-f]{8}-[0-9a-f]{4}-80[0-9a-f]{2}-80[0-9a-f]{2}-[0-9a-f]{12}$',
};

const words =
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat'.split(
    ' ',
  );
/** The same words, each time beginning with another one, each time with a space at the end. */
const texts = Array.from({ length: 12 }, (_, start) => {
  const first = 3 * start;
  return `${[...words.slice(first), ...words.slice(0, first)].join(' ')} `;
});
const textLength = words.join(' ').length + 1;

const textOptions = z.strictObject({
  length: z.int().min(1).max(10_000).optional().describe('characters, default: as many as the value has'),
});

/** Prose that says nothing. */
export const textMask: Mask<z.infer<typeof textOptions>> = {
  name: 'text',
  about: 'meaningless words, as long as the value unless a length is given',
  options: textOptions,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 3,
  refuses: (options, column) => (options.length === undefined ? undefined : tooLong(options.length, column)),
  sql(value, options) {
    const length = options.length ?? `greatest(char_length((${value})::text), 1)`;
    const text = pick('text', value, texts);
    // Bytes are counted already, and never fewer than characters.
    const enough = options.length ?? `octet_length((${value})::text)`;
    return `left(repeat(${text}, 1 + ${enough} / ${textLength}), ${length})`;
  },
};
