import type { Statement } from '../../artifact/dump-item.ts';
import type { Arrival } from '../../model/arrival.ts';
import { unquoted } from '../../model/table.ts';

/** What a script's statements make, heard one by one: of each as much as the live database has to know before it comes. */
export class Announced implements Arrival {
  /** A dump without --create doesn't say it; its text is converted. */
  readonly encoding = null;
  readonly locale = null;
  readonly extensions: { name: string; schema: string | null }[] = [];
  readonly forced: string[] = [];
  locks = 0;

  hear({ text, outline }: Statement): void {
    const locks = making.find(({ pattern }) => pattern.test(outline))?.locks;
    if (locks === undefined) return;
    this.locks += locks;
    if (/^ALTER\b/i.test(outline)) {
      const table = /^ALTER\s+TABLE\s+(?:ONLY\s+)?(.+?)\s+FORCE\s/is.exec(text)?.[1];
      if (table !== undefined && locks === 0) this.forced.push(table);
    }
    const made = schemaOrExtension(text);
    if (made?.kind !== 'EXTENSION') return;
    const schema = new RegExp(`\\sSCHEMA\\s+(${identifier})`, 'i').exec(text)?.[1];
    this.extensions.push({ name: made.name, schema: schema === undefined ? null : unquoted(schema) });
  }
}

/** What a CREATE or DROP of a schema or an extension names; undefined for every other statement. */
export function schemaOrExtension(
  text: string,
): { readonly kind: 'SCHEMA' | 'EXTENSION'; readonly name: string } | undefined {
  const [, kind = '', name = ''] = schemaOrExtensionPattern.exec(text) ?? [];
  if (name === '') return undefined;
  return { kind: kind.toUpperCase() === 'SCHEMA' ? 'SCHEMA' : 'EXTENSION', name: unquoted(name) };
}

const identifier = '"(?:[^"]|"")+"|[^\\s";.]+';
const schemaOrExtensionPattern = new RegExp(
  `^(?:CREATE|DROP)\\s+(SCHEMA|EXTENSION)\\s+(?:IF\\s+(?:NOT\\s+)?EXISTS\\s+)?(${identifier})`,
  'i',
);

/** The first that fits an outline tells how many locks it takes, as stages/in-place/locks.ts counts them. */
const making: readonly { readonly pattern: RegExp; readonly locks: number }[] = [
  { pattern: /^CREATE\s+(UNLOGGED\s+|FOREIGN\s+)?TABLE\b/i, locks: 3 },
  { pattern: /^CREATE\s+MATERIALIZED\s+VIEW\b/i, locks: 3 },
  { pattern: /^CREATE\s+TYPE\b/i, locks: 2 },
  { pattern: /^CREATE\s+(CONSTRAINT\s+|OR\s+REPLACE\s+)?(TRIGGER|POLICY|RULE|CAST)\b/i, locks: 0 },
  { pattern: /^CREATE\b/i, locks: 1 },
  { pattern: /^ALTER\s+TABLE\b.*\sADD\s+CONSTRAINT\b.*\s(PRIMARY\s+KEY|UNIQUE|EXCLUDE)\b/is, locks: 1 },
  { pattern: /^ALTER\s+TABLE\b.*\sFORCE\s+ROW\s/is, locks: 0 },
  { pattern: /^SELECT\s+pg_catalog\.lo_create\b/i, locks: 1 },
];
