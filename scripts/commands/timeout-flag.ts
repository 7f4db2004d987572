import { RefreshError } from '../model/errors.ts';

/** Of `--timeout-minutes`: what the stack gives the workflow. @throws RefreshError `bad-flag`. */
export function readTimeoutMinutes(flag: string | undefined): number {
  const minutes = Number(flag);
  if (Number.isInteger(minutes) && minutes > 0) return minutes;
  throw new RefreshError('bad-flag', 'has to be a whole number of minutes', {
    object: '--timeout-minutes',
    hint: 'the stack’s timeoutMinutes',
  });
}
