import { stateAfter } from '../model/errors.ts';
import { counted, duration } from '../model/figures.ts';
import { summarise } from '../stages/report.ts';
import type { RunResult } from './run/ending.ts';

export interface ToldFlags {
  readonly json?: boolean;
  readonly summary?: boolean;
}

/** What a program asked for on stdout, the report or its summary. @throws RefreshError: that of the run, if it has one. */
export function tell({ report, error }: RunResult, flags: ToldFlags, reportFile: string): void {
  if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  if (flags.summary) process.stdout.write(`${JSON.stringify(summarise(report, reportFile))}\n`);
  if (error) throw error;
}

/** What was done, where it can be read, and the way back. */
export function endingOf({ report, page }: RunResult): string {
  const { published, staging, strategy, tables, seconds, error } = report;
  const place = page ? `; report: ${page}` : '';
  if (!published) return `${staging.database} ${stateAfter(error?.code, strategy)}${place}`;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const back = published.previous ? '; the way back: refresh rollback' : '';
  return `${published.database} is refreshed: ${counted(rows, 'row')} of ${counted(tables.length, 'table')} in ${duration(seconds)}${place}${back}`;
}
