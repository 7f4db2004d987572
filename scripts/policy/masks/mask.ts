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
 * textsend() gives the text in the client's encoding, which every session of ours sets to UTF-8, in half of
 * convert_to()'s time.
 */
export function hmac(use: string, value: string): string {
  const key = (name: string) => `decode(current_setting(${literal(name)}), 'hex')`;
  const inner = `(select ${key(keySetting.inner)} || ${literal(`${use}:`)}::bytea)`;
  return `sha256((select ${key(keySetting.outer)}) || sha256(${inner} || textsend((${value})::text)))`;
}

/** The first hexadecimal digits of the keyed hash. */
export function hmacHex(use: string, value: string, digits: number): string {
  return `left(encode(${hmac(use, value)}, 'hex'), ${digits})`;
}

/**
 * A number from 0 to 2^60 - 1 made of the keyed hash. The cheap hash over the keyed one only makes a number of its bits:
 * it takes half the time of a cast by way of bit strings.
 */
export function hmacNumber(use: string, value: string): string {
  return `(hashtextextended(encode(${hmac(use, value)}, 'hex'), 0) & 1152921504606846975)`;
}

/** An expression that names hmacNumber's number, as `drawn`, more than once: the keyed hash is made once a value. */
export function draw(use: string, value: string, expression: string): string {
  return `(select ${expression} from (select ${hmacNumber(use, value)} as drawn offset 0) as number)`;
}

/** An element of a list, by a number from 0 on. */
export function element(list: readonly string[], number: string): string {
  return `(array[${list.map(literal).join(', ')}])[1 + (${number} % ${list.length})::int]`;
}

/** An element of a list, chosen by the keyed hash. */
export function pick(use: string, value: string, list: readonly string[]): string {
  return element(list, hmacNumber(use, value));
}

/** Why a text of this length doesn't fit. */
export function tooLong(length: number, column: Column): string | undefined {
  if (column.length === null || column.length >= length) return undefined;
  return `it gives ${length} characters, and the column takes ${column.length}`;
}
