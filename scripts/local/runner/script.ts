import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ScriptOptions {
  readonly run: string;
  readonly workspace: string;
  /** Folder for the script itself. */
  readonly temporary: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A cancel, or the end of the step's time. */
  readonly signal: AbortSignal;
  readonly hear: (line: string) => void;
}

/** From the cancel on, as GitHub's runner does it. */
const interruptMs = 7_500;
const terminateMs = 2_500;

/**
 * A `run:` step with `shell: bash`. Its exit status, or `undefined` when a signal ended it. A cancel signals the step's
 * first process alone; what is left of its group after ten seconds is killed.
 */
export async function runScript(options: ScriptOptions): Promise<number | undefined> {
  const file = join(options.temporary, `${crypto.randomUUID()}.sh`);
  await writeFile(file, options.run);
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', file], {
    cwd: options.workspace,
    env: { ...options.environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timers: NodeJS.Timeout[] = [];
  const cancel = () => {
    child.kill('SIGINT');
    timers.push(setTimeout(() => child.kill('SIGTERM'), interruptMs));
    timers.push(setTimeout(() => killGroup(child.pid), interruptMs + terminateMs));
  };
  const lines = [child.stdout, child.stderr].map((stream) =>
    createInterface({ input: stream }).on('line', options.hear),
  );
  const said = Promise.all(lines.map((each) => new Promise((resolve) => each.once('close', resolve))));
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? undefined));
  });
  if (options.signal.aborted) cancel();
  else options.signal.addEventListener('abort', cancel, { once: true });
  try {
    const code = await ended;
    killGroup(child.pid);
    await said;
    return code;
  } finally {
    options.signal.removeEventListener('abort', cancel);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** What a step leaves running ends with it. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
