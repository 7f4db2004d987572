import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentName } from '../../scripts/contract.ts';
import { type Report, reportSchema, type Summary, summarySchema } from '../../scripts/model/report.ts';
import { entryOf } from './entry.ts';
import { testFolder } from './servers.ts';

/** What one run of the real engine did and said. */
export interface EngineResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The report it wrote; undefined where it wrote none. */
  readonly report: Report | undefined;
  /** What it printed on stdout; undefined where it printed nothing. */
  readonly summary: Summary | undefined;
  /** What it left in the folder for temporary files. */
  readonly temporaryFiles: readonly string[];
}

export interface RunningEngine {
  readonly pid: number;
  readonly result: Promise<EngineResult>;
  /** Stderr so far. */
  said(): string;
  /** Signals its whole process group, as a runner that gives up does. */
  kill(signal: NodeJS.Signals): void;
}

/** A run that has not ended by then hangs, which no scenario may take for an answer. */
const patienceMs = 180_000;

/** `refresh run`, or another command that reports as it does, as a child in a process group of its own, with this environment and no other. */
export async function startEngine(
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
  command: 'run' | 'fork' | 'restore' = 'run',
): Promise<RunningEngine> {
  const folder = await mkdtemp(join(await testFolder(), 'run-'));
  const reportFile = join(folder, 'report.json');
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const entry = entryOf(command);
  const args = [entry.file, command, '--summary', '--report', reportFile, ...flags];
  const child = spawn(process.execPath, args, {
    env: { ...entry.environment, ...environment, TMPDIR: temporary },
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  assert(pid !== undefined, 'the engine could not be started');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const kill = (signal: NodeJS.Signals) => process.kill(-pid, signal);
  const result = new Promise<EngineResult>((resolve, reject) => {
    const hangs = setTimeout(() => {
      kill('SIGKILL');
      reject(new Error(`the engine did not end; it said:\n${stderr}`));
    }, patienceMs);
    child.on('close', (code, signal) => {
      clearTimeout(hangs);
      try {
        const temporaryFiles = readdirSync(temporary);
        resolve(readResult({ code, signal, stdout, stderr, temporaryFiles }, reportFile, environment));
      } catch (error) {
        reject(error);
      }
    });
  });
  // A scenario may look elsewhere first; it still awaits the result.
  result.catch(() => undefined);
  return { pid, result, said: () => stderr, kill };
}

/** The same to its end. */
export async function runEngine(
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<EngineResult> {
  return await (await startEngine(environment, flags)).result;
}

/** A run that has to end in this way: `0` for published, else the code of its error. */
export async function expectRun(
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<EngineResult & { readonly report: Report; readonly summary: Summary }> {
  const { report, summary, ...result } = await runEngine(environment, flags);
  assert.equal(result.code, 0, result.stderr);
  assert(report && summary, 'a published run has a report and a summary');
  assert.equal(report.outcome, 'published');
  return { ...result, report, summary };
}

/** A run that has to fail: the exit status, the registry's code, and words that have to be on stderr. */
export async function expectFailure(
  environment: Readonly<Record<string, string>>,
  expected: { readonly exit: number; readonly code: string; readonly says?: RegExp },
  flags: readonly string[] = [],
): Promise<EngineResult> {
  const result = await runEngine(environment, flags);
  assert.equal(result.code, expected.exit, result.stderr);
  assert.match(result.stderr, new RegExp(`^refresh: ${expected.code}: `, 'm'));
  if (expected.says) assert.match(result.stderr, expected.says);
  if (result.report) {
    assert.equal(result.report.outcome, 'failed');
    assert.equal(result.report.exitCode, expected.exit);
    assert.equal(result.report.error?.code, expected.code);
    assert.equal(result.report.published, null);
  }
  return result;
}

function readResult(
  outcome: Omit<EngineResult, 'report' | 'summary'>,
  reportFile: string,
  environment: Readonly<Record<string, string>>,
): EngineResult {
  const text = existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : '';
  for (const secret of secretsOf(environment)) {
    for (const [where, said] of Object.entries({
      stdout: outcome.stdout,
      stderr: outcome.stderr,
      report: text,
    }))
      assert(!said.includes(secret), `a password is in ${where}`);
  }
  // Node's own complaints (listeners that pile up, unhandled rejections) are defects too.
  assert.doesNotMatch(outcome.stderr, /\(node:\d+\)|^ {4}at /m);
  return {
    ...outcome,
    report: text === '' ? undefined : reportSchema.parse(JSON.parse(text)),
    summary: outcome.stdout === '' ? undefined : summarySchema.parse(JSON.parse(outcome.stdout)),
  };
}

/** Both passwords, as the URL writes them and as the server knows them. */
function secretsOf(environment: Readonly<Record<string, string>>): string[] {
  return [environmentName.productionUrl, environmentName.stagingUrl].flatMap((name) => {
    const url = environment[name];
    if (url === undefined || !URL.canParse(url)) return [];
    const { password } = new URL(url);
    return [password, decodeURIComponent(password)].filter((secret) => secret.length >= 6);
  });
}
