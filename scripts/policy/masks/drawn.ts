import * as z from 'zod';
import { ident, literal } from '../../model/table.ts';
import { draw, element, hmacHex, hmacNumber, type Mask, pick, tooLong } from './mask.ts';

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

const valuesOptions = z.array(z.union([z.string(), z.number(), z.boolean()])).min(1);

export const choiceMask: Mask<z.infer<typeof valuesOptions>> = {
  name: 'choice',
  about: 'one of the values given',
  options: valuesOptions,
  accepts: 'all',
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 0,
  refuses: (values, column) => tooLong(Math.max(...values.map((value) => [...String(value)].length)), column),
  sql: (value, values) => pick('choice', value, values.map(String)),
};

const first =
  'Alex,Andrea,Ash,Aubrey,Bailey,Blake,Cameron,Casey,Charlie,Chris,Dana,Drew,Eden,Elliot,Emery,Finley,Frankie,Gale,Harper,Hayden,Jamie,Jessie,Jordan,Jules,Kai,Kelly,Kim,Lee,Logan,Lou,Marley,Morgan,Nico,Noor,Parker,Pat,Quinn,Reese,Riley,River,Robin,Rowan,Sam,Sasha,Shannon,Sidney,Sky,Tatum,Taylor,Terry,Toni,Tracy,Val,Yael'.split(
    ',',
  );
const last =
  'Ashdown,Birchwood,Brookfield,Calder,Dunmore,Eastwick,Fairholm,Glenrose,Harrowgate,Inglewood,Kestrel,Larkin,Marlowe,Northcott,Oakley,Penrose,Quillfeather,Ravenscroft,Silverton,Thornbury,Underhill,Vale,Westbrook,Yarrow,Zennor,Ambrose,Bellamy,Copperfield,Dovetail,Elmsworth,Foxglove,Goldcrest,Hazelmere,Ironside,Juniper,Kingfisher,Lavender,Merriweather,Nightingale,Orchard,Pemberton,Quarrier,Rosewood,Summerfield,Tamarind,Wintergreen'.split(
    ',',
  );

const nameOptions = z.strictObject({
  part: z.enum(['first', 'last', 'full']).optional().describe('default full'),
});

export const nameMask: Mask<z.infer<typeof nameOptions>> = {
  name: 'name',
  about: 'a first name, a last name or both out of a list',
  options: nameOptions,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 5,
  refuses: ({ part }, column) => tooLong({ first: 7, last: 12, full: 20 }[part ?? 'full'], column),
  sql(value, { part }) {
    if (part === 'first') return pick('first', value, first);
    if (part === 'last') return pick('last', value, last);
    return draw(
      'name',
      value,
      `${element(first, 'drawn')} || ' ' || ${element(last, `drawn / ${first.length}`)}`,
    );
  },
};

const streets =
  'High Street,Mill Lane,Station Road,Church Road,Park Avenue,Orchard Way,Bridge Street,Garden Close'.split(
    ',',
  );
const towns = 'Newtown,Ashford,Riverton,Lakeside,Hillcrest,Oakville,Fairview,Brookhaven'.split(',');
const addressOptions = z.strictObject({
  part: z.enum(['street', 'city', 'postcode', 'full']).optional().describe('default full'),
});

export const addressMask: Mask<z.infer<typeof addressOptions>> = {
  name: 'address',
  about: 'a street with a number, a town, a postcode, or all of it',
  options: addressOptions,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 5,
  refuses: ({ part }, column) =>
    tooLong({ street: 18, city: 10, postcode: 5, full: 37 }[part ?? 'full'], column),
  sql(value, { part }) {
    const street = `${element(streets, 'drawn')} || ' ' || 1 + drawn / 8 % 199`;
    const city = element(towns, 'drawn / 1592');
    const postcode = '10000 + drawn / 12736 % 90000';
    const parts = {
      street,
      city,
      postcode: `(${postcode})::text`,
      full: `${street} || ', ' || ${postcode} || ' ' || ${city}`,
    };
    return draw('address', value, parts[part ?? 'full']);
  },
};

const none = z.strictObject({});
const forms = ['Trading', 'Group', 'Works', 'Partners', 'Supplies', 'Foods'];

export const companyMask: Mask = {
  name: 'company',
  about: 'a company’s name',
  options: none,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 8,
  refuses: (_, column) => tooLong(25, column),
  sql: (value) =>
    draw(
      'company',
      value,
      `${element(last, 'drawn')} || ' ' || ${element(forms, `drawn / ${last.length}`)} || ' Ltd'`,
    ),
};

/** 198.18.0.0/15 is set aside for measurements (RFC 2544). */
const ipOptions = z.strictObject({
  version: z
    .union([z.literal(4), z.literal(6)])
    .default(4)
    .describe('6: of 2001:db8::/32, many enough to stay unique'),
});

export const ipMask: Mask<z.infer<typeof ipOptions>> = {
  name: 'ip',
  about: 'an address of 198.18.0.0/15, or of 2001:db8::/32 with version 6: nobody’s',
  options: ipOptions,
  accepts: ['inet', 'text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: ({ version }) => (version === 6 ? 96 : 17),
  refuses: ({ version }, column) => tooLong(version === 6 ? 38 : 14, column),
  sql: (value, { version }, column) => {
    const address =
      version === 6
        ? `('2001:db8' || regexp_replace(${hmacHex('ip', value, 24)}, '(.{4})', ':\\1', 'g'))::inet`
        : `'198.18.0.0'::inet + ${hmacNumber('ip', value)} % 131072`;
    return column.category === 'inet' ? address : `host(${address})`;
  },
  shape: ({ version }) => (version === 6 ? '^2001:db8:' : '^198[.]1[89][.]'),
};

export const urlMask: Mask = {
  name: 'url',
  about: 'an address below https://example.com/',
  options: none,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => 80,
  refuses: (_, column) => tooLong(40, column),
  sql: (value) => `'https://example.com/' || ${hmacHex('url', value, 20)}`,
  shape: () => '^https://example[.]com/[0-9a-f]{20}$',
};

/** What two neighbouring digits add to Luhn's sum, the second one doubled, by the number that they make. */
const luhn = Array.from({ length: 100 }, (_, pair) => {
  const doubled = 2 * (pair % 10);
  return Math.floor(pair / 10) + Math.floor(doubled / 10) + (doubled % 10);
});
const luhnOfDrawn = [1, 100, 10_000, 1_000_000]
  .map((power) => `(array[${luhn.join(',')}])[1 + (drawn / ${power} % 100)::int]`)
  .join(' + ');

/** Sixteen digits that pass Luhn's check, of the range that payment providers keep for tests. */
export const cardMask: Mask = {
  name: 'card',
  about: 'a card number of the test range 400000, with a valid check digit',
  options: none,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => Math.log2(10 ** 8),
  refuses: (_, column) => tooLong(16, column),
  // The 4 that it begins with counts twice; nine times the sum is what completes it to a multiple of ten.
  sql: (value) => {
    const check = `9 * (8 + ${luhnOfDrawn}) % 10`;
    return `(select (4000000000000000 + 10 * drawn + ${check})::text from (select ${hmacNumber('card', value)} % 100000000 as drawn offset 0) as number)`;
  },
  shape: () => '^400000[0-9]{10}$',
};
