import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { entryOf } from '../support/entry.ts';
import type { Field } from './field.ts';
import { type Logged, StatementLog } from './statement-log.ts';

/** When a fault strikes: so long after the run began, said that this phase begins, or after staging logged a statement. */
export interface Moment {
  readonly phase?: string;
  readonly logged?: Logged;
  readonly delayMs: number;
}

/** Folders that a fault may put somewhere else, such as on a full disk. */
export interface Places {
  readonly temporary?: string;
  readonly artifacts?: string;
  readonly report?: string;
  /** Another database of production's server, then without the policy. */
  readonly production?: string;
}

export interface EngineRun {
  readonly pid: number;
  readonly folder: string;
  /** Resolves at the moment; false where the run was over before. */
  reach(moment: Moment): Promise<boolean>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<EngineEnd>;
}

export interface EngineEnd {
  /** Null for one that a signal ended, and for one that had to be killed because it hung. */
  readonly code: number | null;
  readonly hung: boolean;
  readonly at: number;
  readonly stderr: string;
  /** Of the registry, from the last line that has one. */
  readonly error: string | undefined;
  /** Files that it left in its folders for temporary files and artifacts, finished artifacts aside. */
  readonly files: readonly string[];
}

const patienceMs = 120_000;

/** `refresh run` in a process group of its own, through the field's proxies. */
export async function startRun(
  field: Field,
  flags: readonly string[] = [],
  places: Places = {},
  command: readonly string[] = ['run'],
): Promise<EngineRun> {
  const folder = await mkdtemp(join(field.folder, 'run-'));
  const temporary = places.temporary ?? join(folder, 'tmp');
  const artifacts = places.artifacts ?? join(folder, 'artifacts');
  await mkdir(temporary, { recursive: true });
  await mkdir(artifacts, { recursive: true });
  const report = places.report ?? join(folder, 'report.json');
  const policy = places.production ? [] : ['--policy', join(field.folder, 'policy.yaml')];
  const own = [
    ...command,
    ...(command[0] === 'rollback' ? [] : [...policy, '--report', report, '--jobs', '2']),
    ...(command[0] === 'run' ? ['--artifact', artifacts] : []),
    '--stall-seconds',
    '2',
  ];
  const log = new StatementLog(field.servers.staging);
  const entry = entryOf(command[0] ?? 'run');
  const child = spawn(process.execPath, [entry.file, ...own, ...flags], {
    env: { ...entry.environment, ...field.environment(places.production), TMPDIR: temporary },
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the engine could not be started');
  let stderr = '';
  let over = false;
  let hung = false;
  const wakers = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const wake of wakers) wake();
  });
  const kill = (signal: NodeJS.Signals) => {
    if (over) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // It ended this very moment.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  const closed = new Promise<number | null>((resolve) => {
    const limit = setTimeout(() => {
      hung = true;
      kill('SIGKILL');
    }, patienceMs);
    child.on('close', (code) => {
      over = true;
      clearTimeout(limit);
      for (const wake of wakers) wake();
      resolve(code);
    });
  });
  const reached = (phase: string) => new RegExp(`^[\\d:.]+ {2}${phase}$`, 'm').test(stderr);
  return {
    pid,
    folder,
    kill,
    async reach({ phase, logged, delayMs }) {
      while (phase !== undefined && !over && !reached(phase)) {
        await new Promise<void>((wake) => {
          wakers.add(wake);
        });
        wakers.clear();
      }
      if (logged) await log.until(logged, () => over);
      await Promise.race([sleep(delayMs), closed]);
      return !over;
    },
    ended: closed.then(async (code) => ({
      code,
      hung,
      at: performance.now(),
      stderr,
      error: [...stderr.matchAll(/^refresh: ([a-z-]+): /gm)].at(-1)?.[1],
      files: [
        ...(await listing(temporary)),
        ...(await listing(artifacts)).filter((name) => name.endsWith('.partial')),
      ],
    })),
  };
}

async function listing(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.startsWith('staging-refresh-run-') || name.endsWith('.partial'));
}
