import type { Table } from '../model/catalog.ts';
import type { Column } from './column.ts';

/** A column that looks like personal data, and the mask that would suit it. */
export interface Finding {
  readonly column: string;
  /** What it looks like: `e-mail address`. */
  readonly looksLike: string;
  /** A mask as the policy file writes it. */
  readonly mask: string;
}

interface Sign {
  readonly looksLike: string;
  /** Over the name's words, each followed by a space. */
  readonly words: RegExp;
  readonly categories: readonly Column['category'][];
  readonly mask: (column: Column) => string;
}

const text = ['text'] as const;
const textMask = () => 'text';
const nameMask = (part: string) => () => `{ name: { part: ${part} } }`;

/** A composite value that may not be null: all of its attributes are. */
function emptyOf({ array, attributes = [] }: Column): string {
  return array ? '{ fixed: "{}" }' : `{ fixed: "(${','.repeat(Math.max(attributes.length - 1, 0))})" }`;
}

/** No mask looks for what is personal in it. */
function emptied(column: Column): string {
  if (!column.notNull) return 'null';
  if (column.category === 'composite' || column.array) return emptyOf(column);
  return `{ fixed: "${column.category === 'json' ? '{}' : ''}" }`;
}

/** Of people, in one of their own: `attendees`, and in a column, `attendee_name`. */
const peopleWords =
  'persons?|people|contacts?|customers?|clients?|employees?|staff|members?|patients?|students?|teachers?|drivers?|guests?|subscribers?|leads?|profiles?|authors?|recipients?|attendees?|participants?';

/** What names say, in the order in which they are asked. A type that can't hold such a thing speaks against it. */
const signs: readonly Sign[] = [
  sign(
    'password or its hash',
    /(password|passwd|passphrase)\b|\b(pwd|pass crypt|pass hash|passcode)\b/,
    text,
    () => '{ fixed: "!" }',
  ),
  sign(
    'token or secret',
    /(tokens?|secrets?|apikey|privatekey|accesskey)\b|\b(api key|private key|access key|session key|otp|totp|csrf|credential|credentials|salt|recovery codes?|backup codes?|security answer)\b/,
    ['text', 'bytea'],
    () => 'hash',
  ),
  sign('e-mail address', /(e ?mails?|mail ?address)\b/, text, () => 'email'),
  // What is only `mobile` begins a name of something else, too: `mobile_stylesheet`.
  sign(
    'phone number',
    /(phone|phone ?numbers?)\b|\b(phones|tel|msisdn|whatsapp)\b|\b(mobile|fax|cell)( (number|no|nr))?$/,
    text,
    () => 'phone',
  ),
  // Written as a number it is no text, and no less somebody’s; a count of phones is.
  sign(
    'phone number',
    /(phone|msisdn|whatsapp|\b(mobile|fax|cell) ?(number|no|nr))( ?(number|no|nr))?$/,
    ['integer', 'number'],
    () => '{ number: { min: 1, max: 999999999 } }',
  ),
  sign(
    'first name',
    /(first ?name|given ?name|middle ?name)\b|\b(forename|prenom|vorname|fname|given names)\b/,
    text,
    nameMask('first'),
  ),
  sign(
    'last name',
    /(last ?name|surname|family ?name|maiden ?name)\b|\b(nachname|lname)\b/,
    text,
    nameMask('last'),
  ),
  sign(
    'name of a person',
    new RegExp(
      `\\b(full ?name|real ?name|account holder|card ?holder|(${peopleWords}|owner|sender|maintainer|from|to) name|(${peopleWords}|users?) display ?name)\\b|^display ?name$`,
    ),
    text,
    nameMask('full'),
  ),
  sign(
    'login name',
    /(user ?name|screen ?name|nickname)\b|\b(login|handle)\b/,
    text,
    () => '{ hash: { length: 16 } }',
  ),
  sign(
    'date of birth',
    /\b(date of birth|birth date|birthdate|birthday|dob|born|born on)\b/,
    ['date', 'time', 'text'],
    (column) => (column.category === 'text' ? 'text' : '{ truncate-date: year }'),
  ),
  sign(
    'bank account',
    /\b(iban|bic account|account number|bank account|sort code|routing number|(account|acct) (no|nr))\b/,
    text,
    () => '{ partial: { keep-start: 4 } }',
  ),
  sign('card number', /\b((card|cc) (number|no|nr)|credit card|pan|cvv|cvc)\b/, text, () => 'card'),
  sign(
    'identity document',
    /\b(ssn|social security|passport|national id|identity number|id card|tax id|tax (number|no|nr)|tax identification number|driv(ing|er|ers) licen[cs]e|nin|nino|pesel|cpf)\b/,
    ['text', 'integer'],
    (column) => (column.category === 'text' ? 'hash' : '{ number: { min: 1, max: 999999999 } }'),
  ),
  sign(
    'rows as they were',
    /\b(old|new|previous|prev|original) (data|values?|rows?|records?|state|attributes|fields)$|\brow (data|image)$|\b(changed (fields|data|values)|audited changes|object changes)$/,
    ['text', 'json', 'document'],
    emptied,
  ),
  // Before the postal one: both have an address in the name.
  sign(
    'network address',
    /\b(ip|ip address|ipaddress|remote addr|client ip|last login ip|last sign in ip|current sign in ip)\b/,
    ['text', 'inet'],
    () => 'ip',
  ),
  sign(
    'postal address',
    /\b(street|address|addresses|address line ?\d?|home address|billing address|shipping address|addr)\b/,
    ['text', 'composite'],
    (column) => (column.category === 'text' ? 'address' : column.notNull ? emptyOf(column) : 'null'),
  ),
  sign(
    'postcode',
    /\b(postcode|postal code|zip|zip code|zipcode|plz)\b/,
    text,
    () => '{ address: { part: postcode } }',
  ),
  sign(
    'location',
    /\b(latitude|longitude|lat|lng|lon|geolocation)\b/,
    ['number'],
    () => '{ noise: { ratio: 0.1 } }',
  ),
  sign(
    'health, belief or origin',
    /\b(gender|sex|religion|ethnicity|nationality|diagnosis|blood type|disability|marital status)\b/,
    ['text', 'enum'],
    (column) =>
      column.category === 'text' ? textMask() : `{ choice: ${JSON.stringify(column.labels ?? [])} }`,
  ),
  sign('free text about people', /\b(notes|remarks|biography|bio|about me)\b/, text, textMask),
];

/** What such a name ends in says of a person's data what kind it is, or where it is dealt with: `token_type`, `email_subject`. */
const aboutIt =
  /\b(type|method|scopes?|endpoint|ur[il]|prefix|hostname|domains?|subject|template|provider|status|algorithm|format|settings?|preferences?|options|frequency|components)$/;

/**
 * Tables of people, by what their names end in: there a plain `name` is somebody’s. A table of `user_roles` is one of
 * roles, and `oauth_clients` are programs.
 */
const people = new RegExp(
  `(?<!\\b(oauth|oauth2|oidc|idp|api|saml) )\\b(users?|${peopleWords})( (infos?|data|details?|records?|profiles?|accounts?|archive|backup|history|old|new|v?\\d+))*$`,
);

/** Tables of things that have a name to be displayed, and are nobody. */
const things =
  /\b(tags?|roles?|groups?|teams?|orgs?|organi[sz]ations?|tenants?|workspaces?|projects?|products?|plans?|categories|category|permissions?|channels?|services?|apps?|applications?|commands?|templates?|features?|variables?|parameters?|metadata|sources?|proxies|charges?|fees?|settings?|schemes?|policies|sections?)$/;

/** An `api_key_id` or `token_name` says which secret it is, and opens nothing: masked, it would refer to nothing. */
const secrets = new Set(['password or its hash', 'token or secret']);
const namesOne = /\b(ids?|name)$/;

/** Columns of one table that look like personal data, by their names and types alone. */
export function findPersonalData(table: Pick<Table, 'name'>, columns: Iterable<Column>): Finding[] {
  const ofTable = wordsOf(table.name);
  const all = [...columns];
  // Whoever is reached there is called that: `access_requests (name, email)`.
  const ofPeople =
    people.test(ofTable) ||
    (!things.test(ofTable) &&
      all.some(({ name, category }) => category === 'text' && /^e ?mail( address)?$/.test(wordsOf(name))));
  return all.flatMap((column) => {
    // The second of several, too: `phone2`.
    const words = wordsOf(column.name).replace(/(?<=[a-z])\d$/, '');
    // What refers to another row by its id holds nothing but that id, whatever the row is of: `email_id`.
    const isKey = column.refers && (column.category === 'integer' || /\bid$/.test(words));
    if (column.generated || isKey || aboutIt.test(words)) return [];
    const found = signs.find(
      (sign) =>
        sign.words.test(words) &&
        sign.categories.includes(column.category) &&
        !(secrets.has(sign.looksLike) && namesOne.test(words)),
    );
    const within = found ? undefined : findWithin(column, words);
    if (within) return { column: column.name, looksLike: `${within} in it`, mask: emptied(column) };
    if (found && /^display ?name$/.test(words) && things.test(ofTable)) return [];
    if (found?.looksLike === 'postal address' && /\be ?mails?\b/.test(ofTable))
      return { column: column.name, looksLike: 'e-mail address', mask: 'email' };
    if (found) return { column: column.name, looksLike: found.looksLike, mask: found.mask(column) };
    if (/^name( cached)?$/.test(words) && column.category === 'text' && ofPeople)
      return { column: column.name, looksLike: 'name of a person', mask: '{ name: { part: full } }' };
    // A domain that is called after what it holds.
    const domain = column.declared === column.type ? '' : wordsOf(column.declared.replace(/^.*\./, ''));
    const byType = signs.find((sign) => sign.words.test(domain) && sign.categories.includes(column.category));
    if (byType) return { column: column.name, looksLike: byType.looksLike, mask: byType.mask(column) };
    return column.category === 'inet'
      ? { column: column.name, looksLike: 'network address', mask: 'ip' }
      : [];
  });
}

/** What a document is called after, or an attribute of a composite value. */
function findWithin(column: Column, words: string): string | undefined {
  if (column.category === 'composite') {
    const attributes = (column.attributes ?? []).map((name) => ({
      ...column,
      name,
      category: 'text' as const,
    }));
    return findPersonalData({ name: column.declared.replace(/^.*\./, '') }, attributes)[0]?.looksLike;
  }
  if (column.category !== 'json' && column.category !== 'document') return undefined;
  const about = words.replace(/ (info|data|details?|list|map|json)$/, '');
  return signs.find(
    ({ categories, words }) => categories.includes('text') && new RegExp(`(?:${words.source})$`).test(about),
  )?.looksLike;
}

/** `homeAddress` and `home_address` as `home address`. */
export function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();
}

function sign(
  looksLike: string,
  words: RegExp,
  categories: readonly Column['category'][],
  mask: Sign['mask'],
): Sign {
  return { looksLike, words, categories, mask };
}
