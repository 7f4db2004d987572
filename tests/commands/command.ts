import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entryOf } from '../support/entry.ts';
import { testFolder } from '../support/servers.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What it left in the folder for temporary files. */
  readonly temporaryFiles: readonly string[];
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
}

/** `refresh COMMAND …` as a child with this environment and no other, in a folder of its own. */
export async function startCommand(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<RunningCommand> {
  const folder = await mkdtemp(join(await testFolder(), 'command-'));
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const entry = entryOf(args[0] ?? '');
  const child = spawn(process.execPath, [entry.file, ...args], {
    env: { ...entry.environment, ...environment, TMPDIR: temporary },
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      readdir(temporary).then((temporaryFiles) => resolve({ code, stdout, stderr, temporaryFiles }), reject);
    });
  });
  result.catch(() => undefined);
  return { child, result };
}

/** The same to its end, which has to be this one. */
export async function command(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  expected: { readonly exit: number; readonly says?: RegExp } = { exit: 0 },
): Promise<CommandResult> {
  const result = await (await startCommand(environment, args)).result;
  assert.equal(result.code, expected.exit, `${args.join(' ')}\n${result.stderr}`);
  if (expected.says) assert.match(result.stderr, expected.says);
  // Node's own complaints (listeners that pile up, unhandled rejections) are defects too.
  assert.doesNotMatch(result.stderr, /\(node:\d+\)|^ {4}at /m);
  return result;
}
