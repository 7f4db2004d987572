import type { Catalog, Table } from '../model/catalog.ts';
import { display } from '../model/table.ts';
import type { Column } from './column.ts';
import { yamlKey } from './decisions.ts';
import { type Finding, findPersonalData, wordsOf } from './findings.ts';
import { fittingMask } from './fitting-mask.ts';
import type { Shapes } from './shapes.ts';
import type { TableFacts } from './table-facts.ts';

/** A longer line, of many paths, has its reason right behind it. */
const widest = 60;

/** Tables that hold nothing but what lets people in, or what is to be done: their rows are of no use in staging. */
const fleeting =
  /\b(sessions?|(access|refresh|reset|verification|confirmation) tokens?|password resets?|authtoken token|admin log|jobs|river job|messenger messages|outbox|mail queue)$/;

/** The same of libraries whose tables have names that only their schemas tell apart: pg-boss, Hasura. */
const queues =
  /^(pgboss\.(job|archive)|hdb_catalog\.(event_log|event_invocation_logs|hdb_(action_log|(cron|scheduled)_event(s|_invocation_logs))))$/;

/**
 * A first policy for a database: what looks like personal data with a mask that would suit it, and tables that are best
 * left without rows. Each line says why, for a person to review.
 *
 * @param shapes what values look like, where that is known; names come first.
 */
export function suggestPolicy(catalog: Catalog, facts: TableFacts, shapes: readonly Shapes[]): string {
  const named = catalog.tables
    .filter(({ kind, partitionOf }) => (kind === 'r' || kind === 'p') && partitionOf === null)
    .sort((a, b) => display(a).localeCompare(display(b), 'en'));
  const emptied = emptyTables(named, facts);
  const tables = named.flatMap((table) =>
    emptied.has(table.oid)
      ? `  ${yamlKey(display(table))}: { treatment: schema-only } # who is logged in, or what is to be done: nobody’s in staging`
      : linesOf(table, facts, shapes),
  );
  const made = tables.filter((line) => !line.startsWith('  #'));
  return [
    '# A first data policy, made of names, types and statistics: review each line, then commit it.',
    'version: 1',
    'unlisted: copy # fail: a column that is not listed here stops the refresh',
    made.length === 0 ? 'tables: {}' : 'tables:',
    ...tables,
    '',
  ].join('\n');
}

/** Tables that are best left without rows: nothing that keeps its rows refers to them. */
function emptyTables(tables: readonly Table[], facts: TableFacts): ReadonlySet<number> {
  const emptied = new Set(
    tables
      .filter((table) => fleeting.test(wordsOf(table.name)) || queues.test(display(table)))
      .map(({ oid }) => oid),
  );
  for (let before = -1; before !== emptied.size; ) {
    before = emptied.size;
    for (const { table, references } of facts.keys) if (!emptied.has(table)) emptied.delete(references);
  }
  return emptied;
}

function linesOf(table: Table, facts: TableFacts, shapes: readonly Shapes[]): string[] {
  const name = yamlKey(display(table));
  const columns = facts.columns.get(table.oid) ?? new Map<string, Column>();
  const found = findingsOf(table, columns, facts, shapes);
  if (found.length === 0) return [];
  const lines = found.map((finding) => ({ finding, mask: fittingMask(finding, columns, facts) }));
  const masked = lines.flatMap(({ finding, mask }) =>
    mask === undefined ? [] : { finding, text: `${yamlKey(finding.column)}: ${mask}` },
  );
  const width = Math.max(...masked.map(({ text }) => (text.length > widest ? 0 : text.length)));
  const undecided = lines.flatMap(({ finding, mask }) =>
    mask === undefined
      ? `  # ${yamlKey(`${display(table)}.${finding.column}`)}: ${finding.looksLike}; no mask fits by itself: decide on it`
      : [],
  );
  if (masked.length === 0) return undecided;
  return [
    ...undecided,
    `  ${name}:`,
    '    mask:',
    ...masked.map(({ text, finding }) => `      ${text.padEnd(width)} # ${finding.looksLike}`),
  ];
}

/** A column that refers to another one has that one's mask. */
function findingsOf(
  table: Table,
  columns: ReadonlyMap<string, Column>,
  facts: TableFacts,
  shapes: readonly Shapes[],
): Finding[] {
  const follows = new Set(facts.keys.filter((key) => key.table === table.oid).flatMap((key) => key.columns));
  const byName = new Map(
    findPersonalData(table, columns.values()).map((finding) => [finding.column, finding]),
  );
  return [...columns.values()].flatMap((column) => {
    if (follows.has(column.name) || column.generated) return [];
    const byValues = shapes.flatMap((source) => source.get(table.oid)?.get(column.name) ?? []);
    const named = byName.get(column.name);
    // What it is called tells whose it is; what to do with it, its values tell better.
    const vague = column.category === 'json' || named?.looksLike === 'somebody to be reached';
    return (vague ? (byValues[0] ?? named) : (named ?? byValues[0])) ?? [];
  });
}
