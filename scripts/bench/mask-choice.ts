import type { MaskSpec } from '../policy/masks.ts';

/** Ten columns of `people`, masked without a keyed hash. */
export const keylessMasks: Readonly<Record<string, MaskSpec>> = {
  email: { fixed: 'nobody@example.com' },
  phone: { partial: { 'keep-start': 3 } },
  first_name: { fixed: 'Robin' },
  full_name: { partial: { 'keep-start': 1 } },
  address: { fixed: 'High Street 1' },
  iban: { partial: { 'keep-start': 4 } },
  notes: { fixed: '' },
  born: { 'truncate-date': 'year' },
  seen: { 'truncate-date': 'month' },
  ref: { fixed: '00000000-0000-8000-8000-000000000000' },
};

/** The same ten, each with a mask that needs the key. */
export const keyedMasks: Readonly<Record<string, MaskSpec>> = {
  email: 'email',
  phone: 'phone',
  first_name: { name: { part: 'first' } },
  full_name: 'name',
  address: 'address',
  iban: 'hash',
  notes: 'text',
  born: { 'shift-date': { days: 30 } },
  seen: { 'shift-date': { days: 30 } },
  ref: 'uuid',
};

/** Each mask by itself, on a column that it suits. */
export const singleMasks: readonly {
  readonly column: string;
  readonly spec: MaskSpec;
  readonly keyed: boolean;
}[] = [
  ...[
    ['email', { fixed: 'nobody@example.com' }],
    ['iban', { partial: { 'keep-start': 4 } }],
    ['born', { 'truncate-date': 'year' }],
  ].map(([column, spec]) => ({ column: column as string, spec: spec as MaskSpec, keyed: false })),
  ...[
    ['iban', 'hash'],
    ['email', 'email'],
    ['full_name', 'name'],
    ['phone', 'phone'],
    ['notes', 'text'],
    ['ref', 'uuid'],
    ['born', { 'shift-date': { days: 30 } }],
    ['born', { date: { min: '1950-01-01', max: '2000-12-31' } }],
    ['id', { number: { min: 1, max: 1000 } }],
    ['id', { noise: { ratio: 0.1 } }],
    ['address', 'address'],
    ['full_name', 'company'],
    ['address', 'url'],
    ['address', 'ip'],
    ['iban', 'card'],
    ['first_name', { choice: ['one', 'two', 'three'] }],
  ].map(([column, spec]) => ({ column: column as string, spec: spec as MaskSpec, keyed: true })),
];
