const dayMs = 24 * 3600 * 1000;
/** Eight years hold a leap day, also around 2100: a schedule that never fires in them (30 February) never does. */
const longestDays = 8 * 366;

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * When a schedule as GitHub reads it (POSIX cron, five fields, UTC) fires next after `now`; undefined for what is no
 * schedule. The bundled engine tells it: the library that the Pulumi program checks schedules with is too large for it.
 */
export function nextScheduled(cron: string, now: Date): Date | undefined {
  const fields = cron.trim().split(/\s+/).map(readField);
  const [minutes, hours, daysOfMonth, monthsOfYear, daysOfWeek] = fields;
  if (fields.length !== 5 || !minutes || !hours || !daysOfMonth || !monthsOfYear || !daysOfWeek)
    return undefined;
  const [, , dayText = '', , weekdayText = ''] = cron.trim().split(/\s+/);
  const onDay = (date: Date) => {
    if (!monthsOfYear.has(date.getUTCMonth() + 1)) return false;
    const day = daysOfMonth.has(date.getUTCDate());
    const weekday = daysOfWeek.has(date.getUTCDay());
    // POSIX: where both are restricted, either of them will do.
    const restricted = !dayText.startsWith('*') && !weekdayText.startsWith('*');
    return restricted ? day || weekday : day && weekday;
  };
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute));
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  for (let day = 0; day < longestDays; day++) {
    const start = midnight + day * dayMs;
    if (!onDay(new Date(start))) continue;
    const later = times.map((minute) => start + minute * 60_000).filter((at) => at > now.getTime());
    if (later.length > 0) return new Date(Math.min(...later));
  }
  return undefined;
}

function readField(text: string, index: number): ReadonlySet<number> | undefined {
  const [least, most] = ranges[index] ?? [0, 0];
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) return undefined;
    const [, first, last, step] = match;
    const from = first === undefined ? least : numberOf(first, index);
    const to = last !== undefined ? numberOf(last, index) : first === undefined || step ? most : from;
    const by = step === undefined ? 1 : Number(step);
    if (!(from >= least && to <= most && from <= to && by > 0)) return undefined;
    // Sunday is 0 and 7.
    for (let value = from; value <= to; value += by) values.add(index === 4 ? value % 7 : value);
  }
  return values;
}

function numberOf(text: string, index: number): number {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase();
  if (index === 3 && months.includes(name)) return months.indexOf(name) + 1;
  return index === 4 && days.includes(name) ? days.indexOf(name) : Number.NaN;
}
