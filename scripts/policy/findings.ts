import type { Table } from '../model/catalog.ts';
import type { Column } from './column.ts';
import { emptied, peopleWords, signs } from './signs.ts';

/** A column that looks like personal data, and the mask that would suit it. */
export interface Finding {
  readonly column: string;
  /** What it looks like: `e-mail address`. */
  readonly looksLike: string;
  /** A mask as the policy file writes it. */
  readonly mask: string;
}

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
  // paper_trail’s, which may lack the `object_changes` that its name tells.
  const versions = all.some(({ name }) => name === 'whodunnit');
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
    if (column.name === 'object' && versions && column.category !== 'other')
      return { column: column.name, looksLike: 'rows as they were', mask: emptied(column) };
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
  return signs.find((sign) => {
    const atEnd = new RegExp(`(?:${sign.words.source})$`);
    return sign.categories.includes('text') && (atEnd.test(about) || atEnd.test(words));
  })?.looksLike;
}

/** `homeAddress` and `home_address` as `home address`. */
export function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();
}
