import { styleText } from 'node:util';
import type { Progress } from '../../model/run.ts';
import { formatBytes } from './bytes.ts';
import { Frame, fitting } from './frame.ts';
import { Pace } from './pace.ts';
import { Processors } from './processors.ts';
import { amount, bar, percent, shareOf, timeLeft } from './words.ts';

/** More tasks than this would push the lines above out of sight. */
const mostTasks = 8;
/** The operating system counts a core's time in steps: a shorter look says nothing. */
const processorsMs = 1000;

/** A few lines at the end of a terminal that are written over: how far a phase is and what is being done. */
export class LiveView {
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #frame: Frame;
  readonly #processors = new Processors();
  #cores: { readonly at: number; readonly shares: readonly number[] };
  #pace: Pace;
  #lines: readonly string[] = [];

  constructor(stream: NodeJS.WriteStream, now: () => number) {
    this.#stream = stream;
    this.#now = now;
    this.#frame = new Frame(stream);
    this.#pace = new Pace(now());
    this.#cores = { at: now(), shares: [] };
  }

  show(phase: string, progress: Progress): void {
    const now = this.#now();
    const bytes = progress.unit === 'bytes' ? progress.done : 0;
    this.#pace.see(now, shareOf(progress), bytes, progress.forecast?.secondsLeft);
    if (now - this.#cores.at >= processorsMs) this.#cores = { at: now, shares: this.#processors.look() };
    const width = Math.max(10, (this.#stream.columns ?? 80) - 1);
    this.#lines = this.#describe(phase, progress, width);
    this.#frame.show(this.#lines);
  }

  /** A line that stays, above the view. */
  above(line: string): void {
    this.#frame.show(this.#lines, line);
  }

  /** What was shown goes; what is shown next is measured from now on. */
  end(): void {
    this.#lines = [];
    this.#pace = new Pace(this.#now());
    this.#frame.show([]);
  }

  #describe(phase: string, progress: Progress, width: number): string[] {
    const share = shareOf(progress);
    const pace = this.#pace;
    const speed = pace.bytesPerSecond > 0 ? `${formatBytes(pace.bytesPerSecond)}/s` : '';
    const left = pace.secondsLeft === undefined ? '' : `${timeLeft(pace.secondsLeft)} left`;
    const rest = [...(width >= 60 ? [bar(share, 20)] : []), percent(share).trim(), left];
    const facts = [amount(progress), speed, this.#coreWords()];
    const tasks = progress.underWay ?? [];
    const shown = tasks.slice(0, Math.min(mostTasks, Math.max(1, (this.#stream.rows ?? 24) - 6)));
    const more = tasks.length - shown.length;
    // Cut first and coloured then: escapes take no columns.
    return [
      `${this.#styled('bold', phase)}${fitting(joined(['', ...rest]), width - phase.length)}`,
      fitting(`  ${joined(facts)}`, width),
      ...shown.map((name) => `  ${this.#styled('cyan', '›')} ${fitting(name, width - 4)}`),
      ...(more > 0 ? [`    and ${more} more`] : []),
      ...(tasks.length === 0 && progress.label !== '' ? [fitting(`  ${progress.label}`, width)] : []),
    ];
  }

  #coreWords(): string {
    const { shares } = this.#cores;
    if (shares.length === 0) return '';
    const words = shares.map((share) => `${Math.round(share * 100)}%`);
    if (shares.length <= 4) return `cores ${words.join(' ')}`;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return `${shares.length} cores ${Math.round(mean * 100)}%`;
  }

  #styled(style: 'bold' | 'cyan', text: string): string {
    return styleText(style, text, { stream: this.#stream });
  }
}

function joined(parts: readonly string[]): string {
  return parts.filter((part, place) => place === 0 || part !== '').join('  ');
}
