import { spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RefreshError } from '../model/errors.ts';
import { endProcess, isProcess, processesWith } from './running-process.ts';
import type { StateFolder } from './state-folder.ts';

/** What the daemon writes down once it serves. */
export interface DaemonRecord {
  readonly pid: number;
  readonly digitalOceanUrl: string;
  readonly gitHubUrl: string;
}

const program = fileURLToPath(new URL('daemon.ts', import.meta.url));
const startSeconds = 30;

/** The running daemon of this folder, started when there is none. */
export async function startDaemon(folder: StateFolder): Promise<DaemonRecord> {
  const running = await findDaemon(folder);
  if (running) return running;
  // One whose record is gone would go on writing the same state.
  await endStrays(folder);
  await rm(folder.daemon, { force: true });
  const log = await open(folder.daemonLog, 'a', 0o600);
  const child = spawn(process.execPath, [program, folder.root], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    cwd: '/',
  });
  child.on('error', () => undefined); // no pid: told below
  child.unref();
  await log.close();
  for (const deadline = Date.now() + startSeconds * 1000; Date.now() < deadline; await wait(50)) {
    const record = await findDaemon(folder);
    if (record) return record;
    if (child.pid === undefined || child.exitCode !== null) break;
  }
  if (child.pid !== undefined) await endProcess(child.pid, [program, folder.root]);
  const said = (await readFile(folder.daemonLog, 'utf8')).trim().split('\n').slice(-5).join('\n');
  throw new RefreshError('api-unavailable', `the local APIs did not start${said ? `:\n${said}` : ''}`, {
    object: folder.daemonLog,
    hint: 'run npm start again; npm run destroy removes everything',
  });
}

/** The daemon that lives and serves this folder. */
async function findDaemon(folder: StateFolder): Promise<DaemonRecord | undefined> {
  const text = await readFile(folder.daemon, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record: DaemonRecord = JSON.parse(text);
  return (await isProcess(record.pid, [program, folder.root])) ? record : undefined;
}

export async function stopDaemon(folder: StateFolder): Promise<void> {
  await endStrays(folder);
  await rm(folder.daemon, { force: true });
}

async function endStrays(folder: StateFolder): Promise<void> {
  const words = [program, folder.root];
  for (const pid of await processesWith(words)) await endProcess(pid, words);
}
