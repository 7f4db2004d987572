import type { Table } from '../model/catalog.ts';
import type { TableRule } from '../model/policy.ts';
import { display } from '../model/table.ts';
import type { Column } from './column.ts';
import { type Finding, findPersonalData } from './findings.ts';
import { matches } from './patterns.ts';

/** What a rule decides about columns. */
type Decisions = Pick<TableRule, 'treatment' | 'masks' | 'keep'>;

/** A column that nobody has decided on. */
export interface Undecided {
  readonly table: Table;
  readonly column: string;
  /** Why it matters: what it looks like, or that the policy lists every column. */
  readonly reason: string;
  readonly mask: string;
}

/**
 * Columns that look like personal data and are copied without a mask or a reason and, where every column has to be
 * listed, those that the rule doesn't name. Tables whose rows aren't copied have none.
 */
export function undecidedColumns(
  table: Table,
  columns: Iterable<Column>,
  rule: Decisions | undefined,
  everyColumn: boolean,
): Undecided[] {
  if (rule && rule.treatment !== 'copy') return [];
  const all = [...columns];
  const findings = new Map(findPersonalData(table, all).map((finding) => [finding.column, finding]));
  return all.flatMap((column) => {
    const finding = findings.get(column.name);
    if (finding) {
      const why = objection(finding, rule, column.name);
      return why ? { table, column: column.name, reason: why, mask: finding.mask } : [];
    }
    if (!everyColumn || column.generated || isNamed(column.name, rule)) return [];
    return { table, column: column.name, reason: 'is not listed', mask: 'keep' };
  });
}

/** The lines that would decide on them, as YAML for the policy file. */
export function linesFor(undecided: readonly Undecided[]): string {
  const byTable = Map.groupBy(undecided, ({ table }) => display(table));
  return [...byTable]
    .map(([name, columns]) => {
      const lines = columns.map(
        ({ column, mask, reason }) => `      ${yamlKey(column)}: ${mask} # ${reason}`,
      );
      return `  ${yamlKey(name)}:\n    mask:\n${lines.join('\n')}`;
    })
    .join('\n');
}

/** A key that YAML takes for a text, whatever is in it. */
export function yamlKey(name: string): string {
  return /^[A-Za-z_][\w.]*$/.test(name) && !/^(null|true|false|yes|no|on|off|y|n)$/i.test(name)
    ? name
    : JSON.stringify(name);
}

function objection(finding: Finding, rule: Decisions | undefined, column: string): string | undefined {
  const mask = rule?.masks.get(column);
  if (!mask) return `looks like personal data (${finding.looksLike})`;
  if (mask.mask !== 'keep' || typeof mask.options === 'string') return undefined;
  return `looks like personal data (${finding.looksLike}): say why it may be kept, { keep: "…" }`;
}

function isNamed(column: string, rule: Decisions | undefined): boolean {
  if (!rule) return false;
  return rule.masks.has(column) || rule.keep.some((pattern) => matches(pattern, column));
}
