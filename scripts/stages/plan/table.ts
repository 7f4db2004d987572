import stringWidth from 'string-width';
import { rootsOf } from '../../model/partition-root.ts';
import type { Plan, PlannedTable, RowsLeftOut } from '../../model/plan.ts';
import type { Outlook } from '../../model/plan-outlook.ts';
import { display } from '../../model/table.ts';
import { formatBytes } from '../../system/log.ts';

/** One line of a plan as people and programs read it. */
export interface PlanLine {
  /** Place in the order in which tables are taken up, from 1; null where no row is copied. */
  readonly order: number | null;
  readonly table: string;
  /** Of a partition: the table at the root. */
  readonly partitionOf: string | null;
  readonly treatment: PlannedTable['treatment'] | 'exclude';
  /** Rows by production's statistics; null where it has none. */
  readonly rows: number | null;
  /** pg_table_size in production, bytes. */
  readonly bytes: number;
  readonly parts: number;
  /** `column: mask`. */
  readonly masked: readonly string[];
  /** Rows that the policy leaves out of it; null where it has no say. */
  readonly rowsLeftOut: number | null;
  /** The conditions and foreign keys that leave them out, and how many rows each. */
  readonly through: RowsLeftOut['through'];
}

/** The plan in the order in which tables are taken up, largest first. */
export function planLines(plan: Plan, rows: Outlook['rows'] = new Map()): PlanLine[] {
  let order = 0;
  const rootOf = rootsOf(plan.catalog.tables);
  return plan.tables.map(({ table, treatment, parts, masked, rowsLeftOut }) => ({
    order: treatment === 'copy' ? ++order : null,
    table: display(table),
    partitionOf: table.partitionOf === null ? null : display(rootOf(table)),
    treatment,
    rows: treatment === 'copy' ? (rows.get(table.oid) ?? null) : null,
    bytes: table.bytes,
    parts: treatment === 'copy' ? parts.length : 0,
    masked: masked.map(({ column, mask }) => `${column}: ${mask}`),
    rowsLeftOut: rowsLeftOut?.rows ?? null,
    through: rowsLeftOut?.through ?? [],
  }));
}

/** At most so many columns of a terminal for a name; a longer one is cut in the middle. */
const longestName = 44;

/** Columns of text that fit a terminal; the masks, which may be many, come last and go on in lines of their own. */
export function formatPlanTable(lines: readonly PlanLine[], width = 100): string {
  const head = ['#', 'table', 'treatment', 'rows', 'size', 'parts', 'left out', 'masked'];
  const rows = lines.map((line) => [
    line.order === null ? '' : String(line.order),
    shortened(line.table, Math.max(16, Math.min(longestName, width - 60))),
    line.treatment,
    line.rows === null ? '' : `~${line.rows.toLocaleString('en-US')}`,
    line.treatment === 'copy' ? formatBytes(line.bytes) : '',
    line.parts > 1 ? String(line.parts) : '',
    line.rowsLeftOut ? line.rowsLeftOut.toLocaleString('en-US') : '',
    '',
  ]);
  // A column that is empty in every line is left away.
  const used = head.map((_, column) => column < 5 || rows.some((row) => row[column] !== ''));
  const masks = lines.some(({ masked }) => masked.length > 0);
  const columns = head.map((_, column) => column).filter((column) => used[column] && column < 7);
  const widths = columns.map((column) =>
    Math.max(...[head, ...rows].map((row) => stringWidth(row[column] ?? ''))),
  );
  const start = widths.reduce((sum, each) => sum + each + 2, 0);
  const beside = width - start >= leastBeside;
  const format = (row: readonly string[], masked: readonly string[]) => {
    const cells = columns.map((column, place) =>
      padded(row[column] ?? '', widths[place] ?? 0, numbers.has(column)),
    );
    const text = cells.join('  ');
    if (!beside) return [text.trimEnd(), ...wrapped(masked, width - 4).map((each) => `    ${each}`)];
    const [first = '', ...more] = wrapped(masked, width - start);
    return [`${text}  ${first}`.trimEnd(), ...more.map((each) => `${' '.repeat(start)}${each}`)];
  };
  return [
    ...format(head, masks && beside ? ['masked'] : []),
    ...rows.flatMap((row, index) => format(row, lines[index]?.masked ?? [])),
  ].join('\n');
}

/** Fewer columns for the masks: they stand below their table then. */
const leastBeside = 24;

/** Places of the columns that are aligned to the right. */
const numbers = new Set([0, 3, 4, 5, 6]);

/** The same for a comment on a pull request. */
export function formatPlanMarkdown(lines: readonly PlanLine[]): string {
  const rows = lines.map(({ table, treatment, rows: count, bytes, masked, rowsLeftOut }) =>
    [
      markdownCell(table),
      treatment,
      count === null ? '' : `~${count.toLocaleString('en-US')}`,
      treatment === 'copy' ? formatBytes(bytes) : '',
      rowsLeftOut ?? '',
      markdownCell(masked.join(', ')),
    ].join(' | '),
  );
  return [
    '| table | treatment | rows | size | rows left out | masked |',
    '|---|---|--:|--:|--:|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** Names come from databases: none of them ends the cell, becomes HTML or mentions anybody. */
export function markdownCell(text: string): string {
  return text
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\|*`[\]~]/g, '\\$&')
    .replaceAll('@', '&#64;');
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return right ? space + text : text + space;
}

/** A long name keeps its beginning and its end, which tell it from others. */
function shortened(name: string, columns: number): string {
  const characters = [...name];
  const cut = (kept: number) =>
    `${characters.slice(0, Math.ceil(kept / 2)).join('')}…${characters.slice(-Math.floor(kept / 2)).join('')}`;
  if (stringWidth(name) <= columns) return name;
  let kept = Math.min(characters.length, columns) - 1;
  while (kept > 2 && stringWidth(cut(kept)) > columns) kept--;
  return cut(kept);
}

/** Words joined by commas into lines of at most so many columns. */
function wrapped(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const [index, word] of words.entries()) {
    const text = index < words.length - 1 ? `${word},` : word;
    const last = lines.at(-1);
    if (last !== undefined && stringWidth(last) + 1 + stringWidth(text) <= columns)
      lines.splice(-1, 1, `${last} ${text}`);
    else lines.push(text);
  }
  return lines;
}
