import * as z from 'zod';
import { draw, element, hmacHex, hmacNumber, type Mask, pick, tooLong } from './mask.ts';

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
