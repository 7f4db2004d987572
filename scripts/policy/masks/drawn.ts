import * as z from 'zod';
import { ident, literal } from '../../model/table.ts';
import { hmacHex, hmacNumber, type Mask, pick, tooLong } from './mask.ts';

const rangeOptions = z
  .strictObject({ min: z.number(), max: z.number() })
  .refine(({ min, max }) => min <= max, 'min is greater than max');

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
    const share = `${ratio}::numeric * (${hmacNumber('noise', value)} % 2000001 - 1000000) / 1000000`;
    const moved = `(${value})::numeric * (1 + ${share})`;
    return column.category === 'integer'
      ? `round(${moved})`
      : `round(${moved}, greatest(scale((${value})::numeric), 2))`;
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
    const drawn = `(${hmacNumber('shift-date', per === undefined ? value : ident(per))} % ${2 * days})::int`;
    const distance = `(case when ${drawn} < ${days} then -1 - ${drawn} else ${drawn} - ${days - 1} end)`;
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
    // One keyed hash for both parts.
    const both = `(array[${first.map(literal).join(', ')}])[1 + (drawn % ${first.length})::int] || ' ' || (array[${last.map(literal).join(', ')}])[1 + (drawn / ${first.length} % ${last.length})::int]`;
    return `(select ${both} from (select ${hmacNumber('name', value)} as drawn offset 0) as number)`;
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
    const street = `${pick('street', value, streets)} || ' ' || 1 + ${hmacNumber('house', value)} % 199`;
    const city = pick('city', value, towns);
    const postcode = `lpad((${hmacNumber('postcode', value)} % 100000)::text, 5, '0')`;
    if (part === 'street') return street;
    if (part === 'city') return city;
    if (part === 'postcode') return postcode;
    return `${street} || ', ' || ${postcode} || ' ' || ${city}`;
  },
};

const none = z.strictObject({});

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
    `${pick('company', value, last)} || ' ' || ${pick('company form', value, ['Trading', 'Group', 'Works', 'Partners', 'Supplies', 'Foods'])} || ' Ltd'`,
};

/** 198.18.0.0/15 is set aside for measurements (RFC 2544). */
export const ipMask: Mask = {
  name: 'ip',
  about: 'an address of 198.18.0.0/15, which is nobody’s',
  options: none,
  accepts: ['inet', 'text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => 17,
  refuses: (_, column) => tooLong(14, column),
  sql: (value, _, column) => {
    const address = `'198.18.0.0'::inet + ${hmacNumber('ip', value)} % 131072`;
    return column.category === 'inet' ? address : `host(${address})`;
  },
  shape: () => '^198[.]1[89][.]',
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

/** Sixteen digits that pass Luhn's check, of the range that payment providers keep for tests. */
export const cardMask: Mask = {
  name: 'card',
  about: 'a card number of the test range 400000, with a valid check digit',
  options: none,
  accepts: ['text'],
  deterministic: true,
  keyed: true,
  equality: 'never',
  bits: () => Math.log2(10 ** 9),
  refuses: (_, column) => tooLong(16, column),
  sql: (value) =>
    `(select drawn || (10 - (select sum(case when place % 2 = 1 then 2 * digit / 10 + 2 * digit % 10 else digit end)
        from (select place, substr(drawn, place, 1)::int as digit from generate_series(1, 15) as place) as digits) % 10) % 10
        from (select '400000' || lpad((${hmacNumber('card', value)} % 1000000000)::text, 9, '0') as drawn) as card)`,
  shape: () => '^400000[0-9]{10}$',
};
