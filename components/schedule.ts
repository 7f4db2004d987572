import { CronExpressionParser } from 'cron-parser';
import { watchSchedule } from './workflow-jobs.ts';

/** Why GitHub would not run this cron expression, or undefined when it would. */
export function scheduleProblem(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5) {
    return `"${cron}" has ${fields.length} fields, GitHub wants 5: minute hour day month weekday`;
  }
  // cron-parser also reads L, W, #, ?, H and @weekly, which GitHub doesn't.
  if (fields.some((field) => !/^[\d*,/-]+$|^[A-Za-z]{3}([,-][A-Za-z]{3})*$/.test(field))) {
    return `"${cron}" uses more than numbers, names of days and months, and * , - /`;
  }
  if (/(^|[,-])7/.test(fields[4] ?? ''))
    return `"${cron}" has a weekday 7, which GitHub doesn't know: write 0 or SUN`;
  // The workflow tells the two by their text.
  if (fields.join(' ') === watchSchedule) {
    return `"${cron}" is when the daily check runs: choose another minute`;
  }
  try {
    const [shortest = 0] = gapsOf(cron);
    return shortest < 5 * minuteMs
      ? `"${cron}" fires more often than every 5 minutes, which GitHub doesn't`
      : undefined;
  } catch (error) {
    return `"${cron}" is not a schedule: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const minuteMs = 60_000;

/** Days, whole ones, of the longest time between two runs of a schedule. */
export function longestGapDays(cron: string): number {
  return Math.ceil((gapsOf(cron).at(-1) ?? 0) / (24 * 60 * minuteMs));
}

/** Milliseconds between runs, ascending: so many runs that each length of a month is among them, from a fixed day on. */
function gapsOf(cron: string): number[] {
  const runs = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(0) }).take(24);
  const times = runs.map((run) => run.toDate().getTime());
  return times
    .slice(1)
    .map((time, index) => time - (times[index] ?? time))
    .sort((one, other) => one - other);
}

/** When a schedule fires next after `now`, in UTC as GitHub reads it: `2026-11-29T02:00:00Z`. */
export function nextRun(cron: string, now: Date): string {
  const expression = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: now });
  return expression.next().toDate().toISOString().replace('.000Z', 'Z');
}
