import { CronExpressionParser } from 'cron-parser';

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
  try {
    nextRun(cron, new Date(0));
    return undefined;
  } catch (error) {
    return `"${cron}" is not a schedule: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** When a schedule fires next after `now`, in UTC as GitHub reads it: `2026-11-29T02:00:00Z`. */
export function nextRun(cron: string, now: Date): string {
  const expression = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: now });
  return expression.next().toDate().toISOString().replace('.000Z', 'Z');
}
