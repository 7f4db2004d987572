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
function emptyOf({ array, attributes = 1 }: Column): string {
  return array ? '{ fixed: "{}" }' : `{ fixed: "(${','.repeat(attributes - 1)})" }`;
}

/** What names say, in the order in which they are asked. A type that can't hold such a thing speaks against it. */
const signs: readonly Sign[] = [
  sign(
    'password or its hash',
    /\b(password|passwd|pwd|passphrase|encrypted password|password digest|pass crypt|pass hash|passcode)\b/,
    text,
    () => '{ fixed: "!" }',
  ),
  sign(
    'token or secret',
    /\b(token|secret|api key|apikey|private key|access key|session key|otp|totp|csrf|credential|credentials|salt)\b/,
    ['text', 'bytea'],
    () => 'hash',
  ),
  sign('e-mail address', /\b(e ?mail|email address|mail address)\b/, text, () => 'email'),
  sign('phone number', /\b(phone|telephone|tel|mobile|fax|cell|msisdn|whatsapp)\b/, text, () => 'phone'),
  sign(
    'first name',
    /\b(first name|firstname|given name|forename|middle name|prenom|vorname)\b/,
    text,
    nameMask('first'),
  ),
  sign(
    'last name',
    /\b(last name|lastname|surname|family name|maiden name|nachname)\b/,
    text,
    nameMask('last'),
  ),
  sign(
    'name of a person',
    /\b(full name|fullname|display name|real name|contact name|account holder|card holder|cardholder|owner name|recipient name)\b/,
    text,
    nameMask('full'),
  ),
  sign(
    'login name',
    /\b(username|user name|login|nickname|screen name|handle)\b/,
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
    /\b(iban|bic account|account number|bank account|sort code|routing number)\b/,
    text,
    () => '{ partial: { keep-start: 4 } }',
  ),
  sign('card number', /\b(card number|credit card|pan|cvv|cvc)\b/, text, () => 'card'),
  sign(
    'identity document',
    /\b(ssn|social security|passport|national id|identity number|id card|tax id|tax number|tax identification number|driving licen[cs]e|nin|nino|pesel|cpf)\b/,
    ['text', 'integer'],
    (column) => (column.category === 'text' ? 'hash' : '{ number: { min: 1, max: 999999999 } }'),
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
  /\b(type|method|scopes?|endpoint|ur[il]|prefix|hostname|subject|template|provider|status|algorithm|format)$/;

/** Tables of people: there a plain `name` is somebody’s. */
const people =
  /\b(users?|persons?|people|contacts?|customers?|clients?|employees?|staff|members?|patients?|students?|teachers?|drivers?|guests?|subscribers?|leads?|profiles?|authors?|recipients?)\b/;

/** Columns of one table that look like personal data, by their names and types alone. */
export function findPersonalData(table: Pick<Table, 'name'>, columns: Iterable<Column>): Finding[] {
  return [...columns].flatMap((column) => {
    const words = wordsOf(column.name);
    // What refers to another row by its id holds nothing but that id, whatever the row is of: `email_id`.
    if (column.generated || (column.refers && /\bid$/.test(words)) || aboutIt.test(words)) return [];
    const found = signs.find((sign) => sign.words.test(words) && sign.categories.includes(column.category));
    if (found?.looksLike === 'postal address' && /\be ?mails?\b/.test(wordsOf(table.name)))
      return { column: column.name, looksLike: 'e-mail address', mask: 'email' };
    if (found) return { column: column.name, looksLike: found.looksLike, mask: found.mask(column) };
    if (words === 'name' && column.category === 'text' && people.test(wordsOf(table.name)))
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

/** `homeAddress2` and `home_address_2` as `home address 2`. */
function wordsOf(name: string): string {
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
