import type { Catalog, Table } from '../model/catalog.ts';
import { display } from '../model/table.ts';
import type { Column } from './column.ts';
import { yamlKey } from './decisions.ts';
import { type Finding, findPersonalData } from './findings.ts';
import { fittingMask } from './fitting-mask.ts';
import type { Shapes } from './shapes.ts';
import type { TableFacts } from './table-facts.ts';

/** Tables that hold nothing but what lets people in, or what is to be done: their rows are of no use in staging. */
const fleeting =
  /(^|_)(sessions?|access_tokens?|refresh_tokens?|reset_tokens?|password_resets?|authtoken_token|admin_log|delayed_jobs|failed_jobs|good_jobs|jobs|outbox|mail_queue)$/;

/**
 * A first policy for a database: what looks like personal data with a mask that would suit it, and tables that are best
 * left without rows. Each line says why, for a person to review.
 *
 * @param shapes what values look like, where that is known; names come first.
 */
export function suggestPolicy(catalog: Catalog, facts: TableFacts, shapes: readonly Shapes[]): string {
  const tables = catalog.tables
    .filter(({ kind, partitionOf }) => (kind === 'r' || kind === 'p') && partitionOf === null)
    .sort((a, b) => display(a).localeCompare(display(b), 'en'))
    .flatMap((table) => linesOf(table, facts, shapes));
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

function linesOf(table: Table, facts: TableFacts, shapes: readonly Shapes[]): string[] {
  const name = yamlKey(display(table));
  const referredTo = facts.keys.some((key) => key.references === table.oid);
  if (fleeting.test(table.name) && !referredTo)
    return [
      `  ${name}: { treatment: schema-only } # who is logged in, or what is to be done: nobody’s in staging`,
    ];
  const columns = facts.columns.get(table.oid) ?? new Map<string, Column>();
  const found = findingsOf(table, columns, facts, shapes);
  if (found.length === 0) return [];
  const lines = found.map((finding) => ({ finding, mask: fittingMask(finding, columns, facts) }));
  const masked = lines.flatMap(({ finding, mask }) =>
    mask === undefined ? [] : { finding, text: `${yamlKey(finding.column)}: ${mask}` },
  );
  const width = Math.max(...masked.map(({ text }) => text.length));
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
    return byName.get(column.name) ?? byValues[0] ?? [];
  });
}
