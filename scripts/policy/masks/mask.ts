import * as z from 'zod';
import { literal } from '../../model/table.ts';
import { keySetting } from '../../postgres/padded-key.ts';
import type { Category, Column } from '../column.ts';

/**
 * How sure it is that a masked value is not the clear one: `never` equal by design, so one equal row is a defect;
 * `by-chance` where the mask draws from the values that real ones come from too.
 */
export type Equality = 'never' | 'by-chance';

/** One way to mask a column. Everything that plan, verify, docs and the JSON Schema say of it comes from here. */
export interface Mask<Options = unknown> {
  readonly name: string;
  /** One sentence for the schema and the docs. */
  readonly about: string;
  /** What stands after the name; an empty object for the name alone. */
  readonly options: z.ZodType<Options>;
  readonly accepts: readonly Category[] | 'all';
  /** Same input and key, same output. */
  readonly deterministic: boolean;
  /** Needs REFRESH_MASK_KEY. */
  readonly keyed: boolean;
  readonly equality: Equality;
  /** How many values it can give, as a power of two; what has a unique index needs many. */
  bits(options: Options, column: Column): number;
  /** Why it can't hold this column; undefined where it can. */
  refuses?(options: Options, column: Column): string | undefined;
  /** SQL for the masked value of `value`, which is not NULL. Names no key and no clear value. */
  sql(value: string, options: Options, column: Column): string;
  /** Regular expression that each masked text matches and no clear one is likely to; absent where there is none. */
  shape?(options: Options, column: Column): string | undefined;
}

/** For masks that stand by their name alone. */
export const noOptions = z.strictObject({});

/**
 * HMAC-SHA-256 of a value as bytea, in SQL of core PostgreSQL: sha256(outer || sha256(inner || message)). The padded keys
 * are read by subqueries without a parameter, once for a statement. `use` keeps masks of different kinds apart.
 */
export function hmac(use: string, value: string): string {
  const key = (name: string) => `(select decode(current_setting(${literal(name)}), 'hex'))`;
  const message = `convert_to(${literal(`${use}:`)} || (${value})::text, 'UTF8')`;
  return `sha256(${key(keySetting.outer)} || sha256(${key(keySetting.inner)} || ${message}))`;
}

/** The first hexadecimal digits of the keyed hash. */
export function hmacHex(use: string, value: string, digits: number): string {
  return digits <= 64
    ? `left(encode(${hmac(use, value)}, 'hex'), ${digits})`
    : `left(repeat(encode(${hmac(use, value)}, 'hex'), ${Math.ceil(digits / 64)}), ${digits})`;
}

/**
 * A number from 0 to 2^60 - 1 made of the keyed hash. The cheap hash over the keyed one only makes a number of its bits:
 * it takes half the time of a cast by way of bit strings.
 */
export function hmacNumber(use: string, value: string): string {
  return `(hashtextextended(encode(${hmac(use, value)}, 'hex'), 0) & 1152921504606846975)`;
}

/** An element of a list, chosen by the keyed hash. */
export function pick(use: string, value: string, list: readonly string[]): string {
  return `(array[${list.map(literal).join(', ')}])[1 + (${hmacNumber(use, value)} % ${list.length})::int]`;
}

/** Why a text of this length doesn't fit. */
export function tooLong(length: number, column: Column): string | undefined {
  if (column.length === null || column.length >= length) return undefined;
  return `it gives ${length} characters, and the column takes ${column.length}`;
}
