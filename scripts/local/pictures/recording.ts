import { spawn } from 'node:child_process';
import { Screen, type Span } from './screen.ts';

/** What a terminal showed from `at` on, in seconds since the start. */
export interface Picture {
  readonly at: number;
  readonly lines: readonly (readonly Span[])[];
}

/** Seconds between two pictures at least: a film of a terminal needs no more. */
const shortest = 0.4;

/**
 * Runs a command in a terminal of so many columns, made by util-linux's `script`, and keeps what it shows as it goes.
 *
 * @throws Error when it doesn't end well.
 */
export async function record(command: string, columns: number): Promise<Picture[]> {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const screen = new Screen();
  screen.write(`$ ${command}\r\n`);
  const pictures: Picture[] = [{ at: 0, lines: screen.lines() }];
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 40; ${command}`, '/dev/null'], {
    // The environment says what a terminal is; a pipeline's marks would make it a log.
    env: {
      ...process.env,
      TERM: 'xterm-256color',
      CI: '',
      GITHUB_ACTIONS: '',
      npm_config_progress: 'false',
      npm_config_loglevel: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen.write(text);
    if (seconds() - (pictures.at(-1)?.at ?? 0) >= shortest)
      pictures.push({ at: seconds(), lines: screen.lines() });
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return [...pictures, { at: seconds(), lines: screen.lines() }];
}
