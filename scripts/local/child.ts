import { spawn } from 'node:child_process';
import { RefreshError } from '../model/errors.ts';

export interface ChildOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly folder?: string;
  /** What to call the program in an error, where another one starts it. */
  readonly name?: string;
}

/**
 * Runs a program to its end and returns what it wrote to stdout. Its stdin is empty.
 * Fails with `tool-missing` when it can't be started, with `tool-failed` and the end of its stderr when it exits
 * other than with 0. Secrets belong in `environment`, never in `args`.
 */
export async function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.environment ?? process.env,
    cwd: options.folder,
  });
  let output = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on('error', (cause) => {
    reject(
      new RefreshError('tool-missing', `can't start ${command}: ${cause.message}`, {
        object: command,
        cause,
        hint: `see whether ${command} exists and may be run by this user`,
      }),
    );
  });
  child.on('close', (code, signal) => {
    if (code === 0) resolve(output);
    else reject(failure(options.name ?? command, signal ?? `exit code ${code}`, complaint || output));
  });
  return promise;
}

function failure(command: string, how: string, complaint: string): RefreshError {
  const said = complaint.trim().slice(-2000);
  return new RefreshError('tool-failed', `${command} ended with ${how}${said ? `: ${said}` : ''}`, {
    object: command,
    hint: 'the last lines of the program say why; the local stack may be started again once that is repaired',
  });
}
