import * as z from 'zod';
import { ident, literal } from '../../model/table.ts';
import { hmacNumber, type Mask } from './mask.ts';

const rangeOptions = z
  .strictObject({ min: z.number(), max: z.number() })
  .refine(({ min, max }) => Math.ceil(min) <= Math.floor(max), 'min is greater than max, in whole numbers');

export const numberMask: Mask<z.infer<typeof rangeOptions>> = {
  name: 'number',
  about: 'a whole number from min to max',
  options: rangeOptions,
  accepts: ['integer', 'number'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: ({ min, max }) => Math.log2(Math.floor(max) - Math.ceil(min) + 1),
  sql: (value, { min, max }) =>
    `${Math.ceil(min)} + ${hmacNumber('number', value)} % ${Math.floor(max) - Math.ceil(min) + 1}`,
};

const noiseOptions = z.strictObject({ ratio: z.number().positive().max(1) });

/** Perturbation, the same for the same value. */
export const noiseMask: Mask<z.infer<typeof noiseOptions>> = {
  name: 'noise',
  about: 'the number moved up or down by at most this share of it',
  options: noiseOptions,
  accepts: ['integer', 'number'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 0,
  sql(value, { ratio }, column) {
    const factor = `(1 + (${hmacNumber('noise', value)} % 2000001 - 1000000) * ${ratio}::numeric / 1000000)`;
    const moved = `(${value})::numeric * ${factor}`;
    if (column.category === 'integer') return `round(${moved})`;
    // A type with a scale of its own rounds by itself.
    return column.type.includes(',') ? moved : `round(${moved}, greatest(scale((${value})::numeric), 2))`;
  },
};

const dayOptions = z
  .strictObject({ min: z.iso.date(), max: z.iso.date() })
  .refine(({ min, max }) => min <= max, 'min is later than max');

export const dateMask: Mask<z.infer<typeof dayOptions>> = {
  name: 'date',
  about: 'a day from min to max',
  options: dayOptions,
  accepts: ['date', 'time'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 0,
  sql: (value, { min, max }) =>
    `date ${literal(min)} + (${hmacNumber('date', value)} % (date ${literal(max)} - date ${literal(min)} + 1))::int`,
};

const shiftOptions = z.strictObject({
  days: z.int().min(1).max(36_500).describe('at most so many days, either way'),
  per: z
    .string()
    .optional()
    .describe('column whose value decides how far: the same for all dates of one person'),
});

/** Perturbation that keeps the distance between dates of one key. Never by nothing. */
export const shiftDateMask: Mask<z.infer<typeof shiftOptions>> = {
  name: 'shift-date',
  about: 'moved by 1 to so many days, the same distance for the same key',
  options: shiftOptions,
  accepts: ['date', 'time'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => 0,
  sql(value, { days, per }, column) {
    const drawn = `${hmacNumber('shift-date', per === undefined ? value : `coalesce(${ident(per)}::text, '')`)} % ${2 * days}`;
    // Half of an odd number lies between two whole ones; rounded away from zero, it is never 0, and drawn once.
    const distance = `((2 * (${drawn}) - ${2 * days - 1}) * 0.500001::float8)::int`;
    return column.category === 'date'
      ? `(${value})::date + ${distance}`
      : `${value} + ${distance} * interval '24 hours'`;
  },
};
