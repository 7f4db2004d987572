import type { Plan, PlannedTable } from '../../model/plan.ts';
import { display } from '../../model/table.ts';
import { formatBytes } from '../../system/log.ts';

/** One line of a plan as people and programs read it. */
export interface PlanLine {
  readonly table: string;
  readonly treatment: PlannedTable['treatment'];
  /** pg_table_size in production, bytes. */
  readonly bytes: number;
  readonly parts: number;
  /** `column: mask`. */
  readonly masked: readonly string[];
  /** Rows that the policy leaves out of it; null where it has no say. */
  readonly rowsLeftOut: number | null;
}

/** The plan in the order in which tables are taken up, largest first. */
export function planLines(plan: Plan): PlanLine[] {
  return plan.tables.map(({ table, treatment, parts, masked, rowsLeftOut }) => ({
    table: display(table),
    treatment,
    bytes: table.bytes,
    parts: treatment === 'copy' ? parts.length : 0,
    masked: masked.map(({ column, mask }) => `${column}: ${mask}`),
    rowsLeftOut: rowsLeftOut?.rows ?? null,
  }));
}

/** Columns of text that fit a terminal; the masks, which may be many, come last. */
export function formatPlanTable(lines: readonly PlanLine[]): string {
  const rows = lines.map((line) => [
    line.table,
    line.treatment,
    line.treatment === 'copy' ? formatBytes(line.bytes) : '',
    line.parts > 1 ? String(line.parts) : '',
    line.rowsLeftOut ? String(line.rowsLeftOut) : '',
    line.masked.join(', '),
  ]);
  const head = ['table', 'treatment', 'size', 'parts', 'rows left out', 'masked'];
  return formatColumns([head, ...rows]);
}

/** The same for a comment on a pull request. */
export function formatPlanMarkdown(lines: readonly PlanLine[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rows = lines.map(({ table, treatment, bytes, masked, rowsLeftOut }) =>
    [table, treatment, treatment === 'copy' ? formatBytes(bytes) : '', rowsLeftOut ?? '', masked.join(', ')]
      .map((value) => cell(String(value)))
      .join(' | '),
  );
  return [
    '| table | treatment | size | rows left out | masked |',
    '|---|---|--:|--:|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
