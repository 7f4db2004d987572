import type { Log, Progress } from '../model/run.ts';

/** Seconds between two progress lines where nobody looks at a terminal. */
const quietSeconds = 10;

/**
 * Lines with the time since the start, on stderr. In a terminal progress is one line that is written over; in a log it
 * is a line every ten seconds.
 */
export function openLog(stream: NodeJS.WriteStream, now: () => number = () => performance.now()): Log {
  const begun = now();
  const warnings: string[] = [];
  let transient = false;
  let lastProgress = -Infinity;
  let phaseName = '';

  const clear = () => {
    if (transient) stream.write('\r\u001b[2K');
    transient = false;
  };
  const write = (line: string) => {
    clear();
    stream.write(`${clock((now() - begun) / 1000)}  ${line}\n`);
  };
  return {
    phase(name) {
      phaseName = name;
      lastProgress = now();
      write(name);
    },
    info: (line) => write(`  ${line}`),
    warn(line) {
      warnings.push(line);
      write(`  warning: ${line}`);
    },
    progress(progress) {
      const at = now();
      const wait = stream.isTTY ? 100 : quietSeconds * 1000;
      if (at - lastProgress < wait) return;
      lastProgress = at;
      const text = `${phaseName}: ${describe(typeof progress === 'function' ? progress() : progress)}`;
      if (!stream.isTTY) return write(`  ${text}`);
      clear();
      stream.write(text.slice(0, (stream.columns ?? 80) - 1));
      transient = true;
    },
    warnings,
  };
}

/** `1.2 GB`, in powers of 1000 as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function describe(progress: Progress): string {
  const share = progress.total > 0 ? Math.min(1, progress.done / progress.total) : 1;
  const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░');
  const amount =
    progress.unit === 'bytes'
      ? `${formatBytes(progress.done)} of about ${formatBytes(progress.total)}`
      : `${progress.done} of ${progress.total}`;
  return `${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${amount}  ${progress.label}`;
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = String(Math.floor(whole / 60)).padStart(2, '0');
  return `${minutes}:${String(whole % 60).padStart(2, '0')}.${Math.floor((seconds - whole) * 10)}`;
}
