import * as z from 'zod';
import { literal } from '../../model/table.ts';
import type { Column } from '../column.ts';
import { type Mask, noOptions, tooLong } from './mask.ts';

/** Suppression: the value is gone. */
export const nullMask: Mask = {
  name: 'null',
  about: 'sets NULL',
  options: noOptions,
  accepts: 'all',
  deterministic: true,
  keyed: false,
  equality: 'never',
  bits: () => Number.POSITIVE_INFINITY,
  refuses: (_, column) => (column.notNull ? 'the column is NOT NULL' : undefined),
  sql: () => 'null',
};

type Constant = string | number | boolean;

/** Substitution: one value for all rows. Cast when planned, so that what the type does not take is refused there. */
export const fixedMask: Mask<Constant> = {
  name: 'fixed',
  about: 'puts the same value into each row that has one',
  options: z.union([z.string(), z.number(), z.boolean()]).describe('the value, as PostgreSQL reads it'),
  accepts: 'all',
  deterministic: true,
  keyed: false,
  equality: 'by-chance',
  bits: () => 0,
  refuses: (value, column) => (column.array ? undefined : tooLong([...String(value)].length, column)),
  sql: (_, value) => literal(String(value)),
};

const partialOptions = z.strictObject({
  'keep-start': z.int().min(0).max(20).optional().describe('characters left at the beginning, default 0'),
  'keep-end': z.int().min(0).max(20).optional().describe('characters left at the end, default 0'),
  char: z.string().min(1).max(1).optional().describe('what stands for the others, default *'),
});

/** Redaction. A value that would be left whole, or nearly, is blotted out whole. */
export const partialMask: Mask<z.infer<typeof partialOptions>> = {
  name: 'partial',
  about: 'leaves a few characters at either end and blots out the rest; short values whole',
  options: partialOptions,
  accepts: ['text'],
  deterministic: true,
  keyed: false,
  equality: 'by-chance',
  bits: () => 0,
  sql(value, options) {
    const start = options['keep-start'] ?? 0;
    const end = options['keep-end'] ?? 0;
    const blot = literal(options.char ?? '*');
    const text = `(${value})::text`;
    const long = `char_length(${text}) >= ${2 * (start + end) + 2}`;
    const middle = `repeat(${blot}, char_length(${text}) - ${start + end})`;
    const parts = [
      ...(start > 0 ? [`left(${text}, ${start})`] : []),
      middle,
      ...(end > 0 ? [`right(${text}, ${end})`] : []),
    ];
    return `case when ${long} then ${parts.join(' || ')} else repeat(${blot}, greatest(char_length(${text}), 1)) end`;
  },
};

const unitSchema = z.enum(['month', 'quarter', 'year', 'decade']);

/** Generalisation. */
export const truncateDateMask: Mask<z.infer<typeof unitSchema>> = {
  name: 'truncate-date',
  about: 'leaves the first day of the month, quarter, year or decade',
  options: unitSchema,
  accepts: ['date', 'time'],
  deterministic: true,
  keyed: false,
  equality: 'by-chance',
  bits: () => 0,
  sql: (value, unit, column) =>
    // A date's own form of date_trunc() goes by way of a time zone.
    `date_trunc(${literal(unit)}, ${column.category === 'date' ? `(${value})::timestamp` : value})`,
};

/** Whatever SQL can say of the row's own columns. */
export const sqlMask: Mask<string> = {
  name: 'sql',
  about:
    'an SQL expression over the row’s columns, evaluated by production; it is yours to see that it masks',
  options: z.string().min(1),
  accepts: 'all',
  deterministic: false,
  keyed: false,
  equality: 'by-chance',
  bits: () => 0,
  sql: (_, expression) => `(${expression})`,
};

const reviewed = z.union([noOptions, z.string().min(1)]).describe('why it may be copied');

/** Reviewed, and copied as it is. */
export const keepMask: Mask<z.infer<typeof reviewed>> = {
  name: 'keep',
  about: 'copies the value; what looks like personal data needs the reason: { keep: why }',
  options: reviewed,
  accepts: 'all',
  deterministic: true,
  keyed: false,
  equality: 'by-chance',
  bits: () => Number.POSITIVE_INFINITY,
  sql: (value: string, _: unknown, _column: Column) => value,
};
