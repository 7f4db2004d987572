import { styleText } from 'node:util';
import type { Log, Progress } from '../model/run.ts';
import type { LiveView } from './log/live-view.ts';
import { describeProgress, secondsAsClock } from './log/words.ts';
import { harmless } from './visible.ts';

export { formatBytes } from './log/bytes.ts';

/** `quiet`: warnings and errors alone; `verbose`: each task of the copy as well. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

export interface LogOptions {
  readonly verbosity?: Verbosity;
  /** What a terminal shows below the lines. */
  readonly liveView?: typeof LiveView;
  /** Looked at for CI, GITHUB_ACTIONS and TERM; NO_COLOR is Node's to follow. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** A log that may have a live view or an open group, which has to be closed before anybody else writes. */
export interface OpenLog extends Log, Disposable {}

/** Seconds between two progress lines where nobody looks at a terminal. */
const quietSeconds = 10;
/** Milliseconds between two pictures of the live view. */
const liveMs = 200;

/**
 * Lines with the time since the start, on stderr. In a terminal the live view, if there is one, stands below them and is written over; in a
 * file progress is a line every ten seconds; on GitHub each phase is a group that can be folded.
 */
export function openLog(
  stream: NodeJS.WriteStream,
  {
    verbosity = 'normal',
    liveView,
    environment = process.env,
    now = () => performance.now(),
  }: LogOptions = {},
): OpenLog {
  const writer = new Writer(stream, environment, now, verbosity, liveView);
  return {
    phase: (name) => writer.phase(name),
    info: (line) => writer.line(line, 'normal'),
    detail: (line) => writer.line(line, 'verbose'),
    warn: (line) => writer.warn(line),
    progress: (progress) => writer.progress(progress),
    warnings: writer.warnings,
    [Symbol.dispose]: () => writer.close(),
  };
}

class Writer {
  readonly warnings: string[] = [];
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #verbosity: Verbosity;
  readonly #begun: number;
  readonly #live: LiveView | undefined;
  readonly #groups: boolean;
  #timer: NodeJS.Timeout | undefined;
  #progress: Progress | (() => Progress) | undefined;
  #phase = '';
  #shownAt: number;
  #group = false;

  constructor(
    stream: NodeJS.WriteStream,
    environment: Readonly<Record<string, string | undefined>>,
    now: () => number,
    verbosity: Verbosity,
    View: typeof LiveView | undefined,
  ) {
    this.#stream = stream;
    this.#now = now;
    this.#verbosity = verbosity;
    this.#begun = now();
    this.#shownAt = this.#begun;
    this.#groups = environment.GITHUB_ACTIONS === 'true' && verbosity !== 'quiet';
    const live = stream.isTTY && !this.#groups && !environment.CI && environment.TERM !== 'dumb';
    this.#live = View && live && verbosity !== 'quiet' ? new View(stream, now) : undefined;
  }

  phase(name: string): void {
    this.#rest();
    this.#phase = name;
    this.#shownAt = this.#now();
    if (this.#verbosity === 'quiet') return;
    if (this.#groups) {
      this.#endGroup();
      this.#stream.write(`::group::${name}\n`);
      this.#group = true;
    } else this.#write(this.#styled('bold', name));
  }

  line(text: string, from: Verbosity): void {
    if (this.#verbosity === 'verbose' || this.#verbosity === from) this.#write(`  ${harmless(text)}`);
  }

  /** Once: what is read or tried again would be told again. */
  warn(text: string): void {
    if (this.warnings.includes(text)) return;
    this.warnings.push(text);
    this.#write(`  ${this.#styled('yellow', 'warning:')} ${harmless(text)}`);
  }

  progress(progress: Progress | (() => Progress)): void {
    if (this.#verbosity === 'quiet') return;
    this.#progress = progress;
    if (this.#now() - this.#shownAt >= this.#everyMs) this.#show();
    if (this.#timer || typeof progress !== 'function') return;
    // An index takes minutes in which no byte arrives: somebody has to look all the same.
    this.#timer = setInterval(() => this.#show(), this.#everyMs);
    this.#timer.unref();
  }

  close(): void {
    this.#rest();
    this.#endGroup();
  }

  get #everyMs(): number {
    return this.#live ? liveMs : quietSeconds * 1000;
  }

  #show(): void {
    if (!this.#progress) return;
    this.#shownAt = this.#now();
    const progress = withoutBreaks(typeof this.#progress === 'function' ? this.#progress() : this.#progress);
    if (this.#live) this.#live.show(this.#phase, progress);
    else this.#write(`  ${this.#phase}: ${describeProgress(progress)}`);
  }

  /** The phase's live view goes; nothing that it showed is lost, since its end is told by a line. */
  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#progress = undefined;
    this.#live?.end();
  }

  #endGroup(): void {
    if (this.#group) this.#stream.write('::endgroup::\n');
    this.#group = false;
  }

  #write(text: string): void {
    const line = `${secondsAsClock((this.#now() - this.#begun) / 1000)}  ${text}\n`;
    if (this.#live) this.#live.above(line);
    else this.#stream.write(line);
  }

  #styled(style: 'bold' | 'yellow', text: string): string {
    return this.#stream.isTTY ? styleText(style, text, { stream: this.#stream }) : text;
  }
}

/** Names of tables and indexes: each has to stay on its line. */
function withoutBreaks(progress: Progress): Progress {
  const inLine = (text: string) => harmless(text).replaceAll(/\s+/g, ' ');
  const { label, underWay } = progress;
  return { ...progress, label: inLine(label), ...(underWay ? { underWay: underWay.map(inLine) } : {}) };
}
