import type { Column } from './column.ts';

/** What a name and a type say of a column. */
export interface Sign {
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
export function emptied(column: Column): string {
  if (!column.notNull) return 'null';
  if (column.category === 'composite' || column.array) return emptyOf(column);
  return `{ fixed: "${column.category === 'json' ? '{}' : ''}" }`;
}

/** Of people, in one of their own: `attendees`, and in a column, `attendee_name`. */
export const peopleWords =
  'persons?|people|contacts?|customers?|clients?|employees?|staff|members?|patients?|students?|teachers?|drivers?|guests?|subscribers?|leads?|profiles?|authors?|recipients?|attendees?|participants?';

/** What names say, in the order in which they are asked. A type that can't hold such a thing speaks against it. */
export const signs: readonly Sign[] = [
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
    'year of birth',
    /\b(birth ?year|year of birth)\b/,
    ['integer'],
    () => '{ number: { min: 1940, max: 2005 } }',
  ),
  sign('place of birth', /\b(birth ?place|place of birth)\b/, text, textMask),
  sign(
    'bank account',
    /\b(iban|bank details|bic account|account number|bank account|sort code|routing number|(account|acct) (no|nr))\b/,
    text,
    () => '{ partial: { keep-start: 4 } }',
  ),
  sign('card number', /\b((card|cc) (number|no|nr)|credit card|pan|cvv|cvc)\b/, text, () => 'card'),
  sign(
    'identity document',
    /\b(ssn|social security|national insurance|licen[cs]e plate|passport|national id|identity number|id card|tax id|tax (number|no|nr)|tax identification number|driv(ing|er|ers) licen[cs]e|nin|nino|pesel|cpf)\b/,
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
    /\b(gender|sex|religion|ethnicity|nationality|diagnosis|blood type|medical (history|conditions?|notes|records?)|allerg(y|ies)|disability|marital status)\b/,
    ['text', 'enum'],
    (column) =>
      column.category === 'text' ? textMask() : `{ choice: ${JSON.stringify(column.labels ?? [])} }`,
  ),
  sign(
    'somebody to be reached',
    /\b(emergency contacts?|next of kin)\b|^(contacts?|contact (info|details)|recipients?|bcc|reply to)$/,
    text,
    textMask,
  ),
  // What login services keep of each (Supabase, Kratos), and what forms are called after.
  sign(
    'data of a person',
    /\b(user meta ?data|identity data)$|^(users?|profile|persons?|personal|traits|applicants?|passengers?|attendees?|participants?|guests?)( (info|data|details))?$/,
    ['json', 'document'],
    emptied,
  ),
  sign('free text about people', /\b(notes|remarks|biography|bio|about me)\b/, text, textMask),
];

function sign(
  looksLike: string,
  words: RegExp,
  categories: readonly Column['category'][],
  mask: Sign['mask'],
): Sign {
  return { looksLike, words, categories, mask };
}
