import type { Catalog, Table } from '../model/catalog.ts';
import { literal, qualified, quoteBody } from '../model/table.ts';
import { nameShares } from '../postgres/key-shares.ts';
import { createLargeObjects, type LargeObjectNotes, largeObjectBatches } from '../postgres/large-objects.ts';
import { inBatches } from '../system/batches.ts';

/** What the script's first lines say for people. */
export interface Origin {
  readonly database: string;
  readonly version: string;
  readonly madeAt: string;
}

/**
 * Settings under which the rows mean what they meant in production, and nothing of the server's own gets in the way.
 * One that an older server does not know is passed over.
 */
const settings: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  lc_monetary: 'C',
  xmloption: 'content',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  check_function_bodies: 'off',
  row_security: 'off',
  client_min_messages: 'warning',
  default_transaction_read_only: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  synchronous_commit: 'off',
};

/** How an artifact's text is known. */
export const restoreByHand = '-- Restore it into an empty database: zstd -dc FILE | psql -X';

/** Everything that stands before the rows. @param definitions pg_restore's script of the pre-data section. */
export function openingScript(
  origin: Origin,
  definitions: string,
  comments: LargeObjectNotes['comments'],
  catalog: Catalog,
  searchPath: string,
): string {
  const values = Object.entries(settings).map(([name, value]) => `(${literal(name)}, ${literal(value)})`);
  return [
    `-- PostgreSQL ${oneLine(origin.version)}, database ${oneLine(origin.database)}, as it was at ${origin.madeAt}`,
    `${restoreByHand} -v ON_ERROR_STOP=1 -d DATABASE`,
    '-- It is complete only if the last line that psql prints begins with "complete:".',
    // DO, since a SELECT would print what nobody wants to read.
    `do $$ begin perform pg_catalog.set_config(name, setting, false)
  from (values ${values.join(', ')}) as wanted (name, setting)
 where exists (select from pg_catalog.pg_settings where pg_settings.name = lower(wanted.name)); end $$;`,
    `set search_path = '';`,
    '',
    withoutFrame(definitions),
    '',
    ...largeObjects(catalog),
    ...comments.map(({ oid, comment }) => `comment on large object ${oid} is ${literal(comment)};`),
    // CHECKs and functions that find their helpers by search_path work in production, and must work here.
    `set search_path = ${searchPath};`,
    '',
  ].join('\n');
}

/** Everything that stands after the rows. */
export function closingScript(
  definitions: { readonly postData: string; readonly last: string },
  more: readonly string[],
  catalog: Catalog,
  views: readonly Table[],
  searchPath: string,
): string {
  return [
    `set search_path = ${searchPath};`,
    withoutFrame(definitions.postData),
    `set search_path = ${searchPath};`,
    ...[...more, ...nameShares(catalog)].map((statement) => `${statement};`),
    ...catalog.sequences.map(
      (sequence) =>
        `do ${quoteBody(` begin perform pg_catalog.setval(${literal(qualified(sequence))}, ${sequence.lastValue}, ${sequence.isCalled}); end `)};`,
    ),
    ...views.map((view) => `refresh materialized view ${qualified(view)};`),
    withoutFrame(definitions.last),
    // A psql that doesn't commit by itself (AUTOCOMMIT off, a habit in .psqlrc) would undo all that was proved; to any
    // other this is a warning about nothing.
    'set client_min_messages = error;',
    'commit;',
    '',
  ].join('\n');
}

/** A table as the last statement counts it. */
export interface Counted {
  /** `"schema"."name"`, after ONLY where that is meant. */
  readonly from: string;
  readonly rows: number;
  readonly condition: string | null;
}

/** What is counted stays locked until its transaction ends, with its indexes, and a server's lock table may be small. */
const countedAtOnce = 100;

/** The last statements: every table's rows are counted, and only then the line that proves completeness comes. */
export function proofScript(tables: readonly Counted[], madeAt: string): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const checks = inBatches(tables, countedAtOnce).map(check).join('\ncommit;\n');
  const line = `complete: ${rows} rows in ${tables.length} tables, as of ${madeAt}`;
  return `${checks}\nselect ${literal(line)} as "staging-refresh";\n`;
}

function check(tables: readonly Counted[]): string {
  const values = tables.map(({ from, rows: wanted, condition }) => {
    const where = condition === null ? '' : ` where ${condition}`;
    return `(${literal(`from ${from}${where}`)}, ${wanted}::bigint)`;
  });
  return `do ${quoteBody(`
declare wanted record; found bigint;
begin
  for wanted in select * from (values ${values.join(',\n    ')}) as t (source, rows) loop
    execute 'select count(*) ' || wanted.source into found;
    if found <> wanted.rows then
      raise exception 'incomplete: % rows are there %, % were written', found, wanted.source, wanted.rows;
    end if;
  end loop;
end`)};`;
}

/** Longer than what stands at the end of a script. */
const endBytes = 500;

/** pg_restore's script without its settings, which are ours here, and without psql's \\restrict. */
function withoutFrame(script: string): string {
  const begin = script.search(/^--\n-- Name: /m);
  if (begin < 0) return '';
  // A pattern for the end alone would be tried at each line of it, and make a copy of all of it.
  const place = Math.max(begin, script.length - endBytes);
  const end = script
    .slice(place)
    .replace(/\n\\unrestrict \S+\s*$/, '\n')
    .replace(/\n--\n-- PostgreSQL database dump complete\n--\s*$/, '\n');
  return script.slice(begin, place) + end;
}

function largeObjects({ largeObjects: oids }: Catalog): string[] {
  return largeObjectBatches(oids).map((batch) => `${createLargeObjects(batch)};`);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
