import { formatBytes } from '../system/log.ts';
import type { Comparison } from './measurement.ts';

/** Rows of cells, the first one the heads. */
export type Cells = readonly (readonly string[])[];

export function comparisonCells(comparisons: readonly Comparison[]): Cells {
  const heads = [
    'way',
    'seconds (from–to)',
    'of the fastest peer',
    'CPU-s servers',
    'CPU-s client',
    'cores used',
    'machine busy',
    'peak memory',
    'bytes moved',
  ];
  return [
    heads,
    ...comparisons.map((one) => [
      one.title,
      `${one.seconds.toFixed(1)} (${one.quickest.toFixed(1)}–${one.slowest.toFixed(1)})`,
      one.ratio?.toFixed(2) ?? '',
      one.serverCpuSeconds.toFixed(1),
      one.clientCpuSeconds.toFixed(1),
      percent(one.coresUsed),
      percent(one.machineBusy),
      formatBytes(one.peakMemoryBytes),
      one.movedBytes > 0 ? formatBytes(one.movedBytes) : 'not known',
    ]),
  ];
}

/** Where our own time goes: the phases of the run's report. */
export function phaseCells(comparison: Comparison): Cells {
  const phases = comparison.phases.filter(({ seconds }) => seconds >= 0.005);
  return [
    ['phase', ...phases.map(({ name }) => name)],
    ['seconds', ...phases.map(({ seconds }) => seconds.toFixed(2))],
  ];
}

/** A table for Markdown that can be read as it is. */
export function markdownTable(cells: Cells): string {
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [heads = [], ...rows] = cells;
  return [line(heads), rule, ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
