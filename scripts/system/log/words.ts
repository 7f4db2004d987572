import type { Progress } from '../../model/run.ts';
import { formatBytes } from './bytes.ts';

/** `02:41.7`: minutes and seconds since the start. */
export function secondsAsClock(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = String(Math.floor(whole / 60)).padStart(2, '0');
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${Math.floor((seconds - whole) * 10)}`;
}

/** One line for a file: how far it is, and what is under way. */
export function describeProgress(progress: Progress): string {
  const share = shareOf(progress);
  const parts = [
    `${bar(share, 20)} ${percent(share)}`,
    amount(progress),
    progress.label,
    ...(progress.underWay?.length ? [`now: ${progress.underWay.join(', ')}`] : []),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** All of the phase's work where it is known, else what is counted; from 0 to 1, also of nothing. */
export function shareOf({ done, total, work }: Progress): number {
  const of = work && work.total > 0 ? work : { done, total };
  return of.total > 0 ? Math.min(1, of.done / of.total) : 1;
}

export function percent(share: number): string {
  return `${String(Math.round(share * 100)).padStart(3)} %`;
}

export function bar(share: number, width: number): string {
  return '█'.repeat(Math.round(share * width)).padEnd(width, '░');
}

export function amount({ done, total, unit, rows }: Progress): string {
  const of = unit === 'bytes' ? `${formatBytes(done)} of about ${formatBytes(total)}` : `${done} of ${total}`;
  return rows ? `${of}, ${rows.toLocaleString('en-US')} rows` : of;
}
