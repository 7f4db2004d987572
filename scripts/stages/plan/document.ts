import { count, counted, duration } from '../../model/figures.ts';
import type { LeftOut, Plan } from '../../model/plan.ts';
import type { DiskEstimate, Outlook, Problem } from '../../model/plan-outlook.ts';
import { display } from '../../model/table.ts';
import { formatBytes } from '../../system/log.ts';
import { folded } from './folded.ts';
import { formatPlanMarkdown, formatPlanTable, markdownCell, type PlanLine, planLines } from './table.ts';

/** The whole plan for a terminal: problems first. */
export function planText(plan: Plan, outlook: Outlook, width: number): string {
  const lines = planLines(plan, outlook.rows);
  const { shown, rest } = folded(lines);
  return [
    ...problemLines(outlook.problems),
    formatPlanTable(shown, width),
    ...(rest === null ? [] : [rest]),
    '',
    ...remarks(plan, outlook, lines),
    sumLine(plan),
    `time: about ${duration(outlook.time.seconds)} (${outlook.time.basis})`,
    `room: ${diskWords(outlook.disk)}`,
    'Nothing was changed.',
  ].join('\n');
}

/** The same for a comment on a pull request. */
export function planMarkdown(plan: Plan, outlook: Outlook): string {
  const lines = planLines(plan, outlook.rows);
  const { shown, rest } = folded(lines);
  const beside = remarks(plan, outlook, lines).map((remark) => `- ${markdownCell(remark)}`);
  return [
    '### Refresh plan',
    '',
    ...outlook.problems.map(({ message }) => `- ⚠️ ${markdownCell(message)}`),
    ...(outlook.problems.length > 0 ? [''] : []),
    formatPlanMarkdown(shown),
    '',
    ...(rest === null ? [] : [`${rest}.`, '']),
    ...beside,
    ...(beside.length > 0 ? [''] : []),
    `${sumLine(plan)}  `,
    `Time: about ${duration(outlook.time.seconds)} (${markdownCell(outlook.time.basis)}).  `,
    `Room: ${diskWords(outlook.disk)}.`,
  ].join('\n');
}

/** The same for programs. Version 1. */
export function planJson(plan: Plan, outlook: Outlook): object {
  return {
    version: 1,
    problems: outlook.problems,
    bytes: plan.bytes,
    tables: planLines(plan, outlook.rows),
    preserved: (plan.policy?.preserved ?? []).map(({ table, rows, whole }) => ({
      table: display(table),
      rows: whole ? null : rows,
    })),
    leftOut: leftOutOf(plan),
    lost: outlook.lost || null,
    time: outlook.time,
    disk: outlook.disk,
  };
}

/** What `--json` and `--markdown` say where there is no plan, since a run would be refused. */
export function refusedJson(problem: Problem & { readonly code: string }): object {
  return { version: 1, problems: [problem] };
}

export function refusedMarkdown({ code, message, hint }: Problem & { readonly code: string }): string {
  return [
    '### Refresh plan: refused',
    '',
    `- ❌ \`${code}\`: ${markdownCell(message)}`,
    ...(hint ? [`- what to do: ${markdownCell(hint)}`] : []),
  ].join('\n');
}

function leftOutOf(plan: Plan): readonly LeftOut[] {
  return [...plan.leftOut, ...(plan.policy?.exclusion.leftOut ?? [])];
}

function problemLines(problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  // Each hint once, below what it is about.
  const byHint = Map.groupBy(problems, ({ hint }) => hint);
  return [
    'Look at this first:',
    ...[...byHint].flatMap(([hint, group]) => [
      ...group.map(({ message }) => `  ! ${message}`),
      ...(hint ? [`    > ${hint}`] : []),
    ]),
    '',
  ];
}

/** Below the table: rows left out and through what, staging's own that are carried over, objects left out and why, what only staging has. */
function remarks(plan: Plan, { lost }: Outlook, lines: readonly PlanLine[]): string[] {
  const without = lines.flatMap(({ table, rowsLeftOut, through }) =>
    rowsLeftOut
      ? [`without: ${table}: ${counted(rowsLeftOut, 'row')} (${through.map(reasonWords).join(', ')})`]
      : [],
  );
  const kept = (plan.policy?.preserved ?? []).map(
    ({ table, rows, whole }) =>
      `kept: ${display(table)}: staging’s own rows${whole ? '' : ` where ${rows.replaceAll(/\s+/g, ' ').trim()}`}`,
  );
  const leftOut = leftOutOf(plan).map(({ object, reason }) => `left out: ${object}: ${reason}`);
  return [...without, ...kept, ...leftOut, ...(lost ? [`lost: only staging has ${lost}`] : [])];
}

/** A row may be left out through several: their numbers needn't add up. */
function reasonWords({ condition, rows }: PlanLine['through'][number]): string {
  return `${count(rows)} by ${condition}`;
}

function sumLine({ tables, catalog, bytes }: Plan): string {
  return `${counted(tables.length, 'table')}, ${formatBytes(bytes)} to copy, ${counted(catalog.indexes.length, 'index').replace(/indexs$/, 'indexes')}, ${counted(catalog.foreignKeys.length, 'foreign key')}.`;
}

function diskWords({ live, next, artifact }: DiskEstimate): string {
  const here = artifact === null ? '' : `; the backup file takes about ${formatBytes(artifact)} here`;
  return `staging has ${formatBytes(live)} and needs up to ${formatBytes(next)} more while it runs${here}`;
}
