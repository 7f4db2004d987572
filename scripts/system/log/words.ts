import { count } from '../../model/figures.ts';
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
    ...(progress.forecast ? [`${timeLeft(progress.forecast.secondsLeft)} left`] : []),
    progress.label,
    ...(progress.underWay?.length ? [`now: ${progress.underWay.join(', ')}`] : []),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Of all of the phase's work where that is known, else of what is counted; from 0 to 1, also of nothing. */
export function shareOf({ done, total, forecast }: Progress): number {
  if (forecast) return forecast.share;
  return total > 0 ? Math.min(1, done / total) : 1;
}

export function percent(share: number): string {
  return `${String(Math.round(share * 100)).padStart(3)} %`;
}

export function bar(share: number, width: number): string {
  return '█'.repeat(Math.round(share * width)).padEnd(width, '░');
}

export function amount({ done, total, unit, rows }: Progress): string {
  const of = unit === 'bytes' ? `${formatBytes(done)} of about ${formatBytes(total)}` : `${done} of ${total}`;
  return rows ? `${of}, ${count(rows)} rows` : of;
}

/** `8 s`, `2 min 10 s`: as coarse as it is known. */
export function timeLeft(seconds: number): string {
  if (seconds < 1) return 'a moment';
  if (seconds < 60) return `about ${Math.ceil(seconds)} s`;
  const tens = Math.round(seconds / 10) * 10;
  return `about ${Math.floor(tens / 60)} min ${String(tens % 60).padStart(2, '0')} s`;
}
