import { spawn } from 'node:child_process';

export interface ChildResult {
  /** Exit status; null when a signal ended the child. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The last 64 KiB. */
  readonly stderr: string;
}

export interface ChildOptions {
  /** The child's whole environment: nothing is inherited, so no secret reaches a child that was not meant to. */
  readonly env: Readonly<Record<string, string>>;
  /** Text for the child's standard input. */
  readonly input?: string;
  /** When it fires the child is killed; a child that outlived its parent would go on writing. */
  readonly signal?: AbortSignal;
}

const stderrLimit = 64 * 1024;

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
    const child = spawn(program, args, {
      env: options.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const kill = () => child.kill('SIGKILL');
    options.signal?.addEventListener('abort', kill, { once: true });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-stderrLimit);
    });
    // A child that ends without reading its input is judged by its exit status, not by the broken pipe.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
    child.on('error', (error) => {
      options.signal?.removeEventListener('abort', kill);
      reject(error);
    });
    child.on('close', (code, signal) => {
      options.signal?.removeEventListener('abort', kill);
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString('utf8'), stderr });
    });
  });
}
