import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { endGroup, signalGroup } from './process-group.ts';

export interface ChildResult {
  /** Exit status; null when a signal ended the child. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The last `tailLength` characters. */
  readonly stderr: string;
}

export interface ChildOptions {
  /** The child's whole environment: nothing is inherited, so no secret reaches a child that was not meant to. */
  readonly env: Readonly<Record<string, string>>;
  /** Text for the child's standard input. */
  readonly input?: string;
  /** When it fires the child is killed; a child that outlived its parent would go on writing. */
  readonly signal?: AbortSignal;
  /**
   * For a shell's command: a process group of its own, so that what the shell has started ends with it. A group outlives
   * a SIGKILL to ours, so it is not for a program that has to end with us whatever happens.
   */
  readonly group?: boolean;
  /** Of stdout, too, only the last `tailLength` characters are kept. */
  readonly tail?: boolean;
}

export const tailLength = 64 * 1024;

/**
 * Runs a program to its end. An exit status other than 0 is a result, not an error.
 *
 * @throws Error with `code: 'ENOENT'` when there is no such program.
 */
export function runChild(
  program: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const group = options.group === true;
    const child = spawn(program, args, {
      env: options.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: group,
    });
    let ending: Promise<void> = Promise.resolve();
    const end = () => {
      ending = group ? endWithGroup(child) : Promise.resolve(void child.kill('SIGKILL'));
    };
    // A process that is told a second time to end does so at once, and its terminal doesn't know of this group.
    const atExit = () => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    };
    const forget = () => {
      options.signal?.removeEventListener('abort', end);
      process.removeListener('exit', atExit);
    };
    options.signal?.addEventListener('abort', end, { once: true });
    if (group) process.once('exit', atExit);
    const stdout = collect(child.stdout, options.tail ? tailLength : Number.POSITIVE_INFINITY);
    const stderr = collect(child.stderr, tailLength);
    // A child that ends without reading its input is judged by its exit status, not by the broken pipe.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
    child.on('error', (error) => {
      forget();
      reject(error);
    });
    child.on('close', async (code, signal) => {
      await ending;
      forget();
      resolve({ code, signal, stdout: stdout(), stderr: stderr() });
    });
    if (options.signal?.aborted) end();
  });
}

/** What has left the group may hold the child's output: it is not waited for. */
async function endWithGroup({ pid, stdout, stderr }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  await endGroup(pid);
  stdout?.destroy();
  stderr?.destroy();
}

function collect(stream: Readable | null, limit: number): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.length > limit) text = text.slice(-limit);
  });
  return () => text;
}
