import { exitCode } from '../contract.ts';
import { RefreshError } from '../model/errors.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A terminal and a launcher may both deliver the same Ctrl-C: what comes this soon after is the same one. */
const sameKeystrokeMs = 300;

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into a call of `abort`, so that the run cleans up; a second one ends the
 * process at once. Returns a function that gives the signals back.
 *
 * @param say is told at the keystroke what happens now: the error comes when the cleaning is over.
 * @param untouched what is as it was then.
 */
export function onInterruption(
  abort: (reason: Error) => void,
  say: (text: string) => void,
  untouched = 'staging',
): () => void {
  let first = 0;
  const handler = (signal: NodeJS.Signals) => {
    if (first > 0 && Date.now() - first > sameKeystrokeMs) process.exit(exitCode.interrupted);
    if (first > 0) return;
    first = Date.now();
    say(`${signal}: cleaning up; once more ends at once and leaves the cleaning to the next run`);
    abort(
      new RefreshError('interrupted', `${signal} received; ${untouched} is as it was`, {
        hint: 'run it again when you like',
      }),
    );
  };
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.removeListener(signal, handler);
  };
}
