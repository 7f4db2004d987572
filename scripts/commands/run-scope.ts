import { randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StagingConfig } from '../model/config.ts';
import { makeRunId } from '../model/database-name.ts';
import { asError, RefreshError, tellsFate } from '../model/errors.ts';
import type { Log, Run, StagingRun } from '../model/run.ts';
import { cutAhead } from '../postgres/ahead.ts';
import { dropBeside } from '../postgres/beside.ts';
import { openMaintenanceSession } from '../postgres/run-lock.ts';
import { lastSessionOptions } from '../postgres/run-sessions.ts';
import { onInterruption } from '../system/interruption.ts';

const folderPrefix = 'staging-refresh-run-';
const oldFolderHours = 24;

/** What one run needs for as long as it lasts: an id, a folder of its own, and an end when a signal arrives. */
export async function withRun<Config extends StagingConfig, Result>(
  config: Config,
  log: Log,
  work: (run: Run<Config>) => Promise<Result>,
): Promise<Result> {
  await removeOldFolders();
  const startedAt = new Date();
  const controller = new AbortController();
  const run: Run<Config> = {
    id: newRunId(startedAt),
    startedAt,
    config,
    log,
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    temporary: await mkdtemp(join(tmpdir(), folderPrefix)),
  };
  const isFork = 'strategy' in config && config.strategy === 'fork';
  const released = onInterruption(
    run.abort,
    (text) => log.info(text),
    isFork ? 'the staging in use' : 'staging',
  );
  try {
    return await work(run);
  } finally {
    released();
    await cutAhead(run.signal);
    // Whatever session is left after a failure: it would keep the process waiting for a peer that says nothing any more.
    controller.abort();
    await rm(run.temporary, { recursive: true, force: true });
  }
}

/** An id for a run, or for one more database of it. */
export function newRunId(at = new Date()): string {
  return makeRunId(at, randomBytes(2).toString('hex'));
}

/** A killed run can't remove its folder (a schema and a CA; what holds rows has no name there), so a later one does. */
async function removeOldFolders(): Promise<void> {
  const oldest = Date.now() - oldFolderHours * 3_600_000;
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const folder = join(tmpdir(), name);
    // In a folder of everybody's somebody else may have put a link to one of ours there.
    const facts = await lstat(folder).catch(() => undefined);
    if (!facts?.isDirectory() || facts.uid !== process.getuid?.() || facts.mtimeMs >= oldest) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** When a run was ended from elsewhere, every open statement fails of it; the reason is the one to tell. */
export function reasonOf(run: StagingRun, cause: unknown): unknown {
  // The reason would say that staging is as it was.
  if (tellsFate(cause)) return cause;
  const reason: unknown = run.signal.aborted ? run.signal.reason : undefined;
  if (!(reason instanceof RefreshError)) return cause;
  // A server whose disk has no room for its WAL goes down with everybody's sessions: that is why the lock was lost.
  const lost = reason.code === 'lock-lost' || reason.code === 'connection-lost';
  return lost && cause instanceof RefreshError && cause.code === 'disk-full' ? cause : reason;
}

/** Drops a database that will not be published, on a connection of its own: the run's may be cut already. */
export async function discardNext(run: StagingRun, name: string): Promise<void> {
  try {
    await using maintenance = await openMaintenanceSession(
      run.config.staging,
      lastSessionOptions(run, 'staging'),
    );
    await dropBeside(maintenance, name);
  } catch (error) {
    const why = asError(error).message;
    run.log.warn(`${name} could not be dropped (${why}): the next run removes it`);
  }
}
