import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, RefreshError } from '../model/errors.ts';
import type { Run } from '../model/run.ts';
import { display, qualified, type TableRef } from '../model/table.ts';
import { cutAhead, handOn, openAhead, takeOrOpen } from '../postgres/ahead.ts';
import { endPrepared, preparedHolder } from '../postgres/bonds.ts';
import { classify, codeOf } from '../postgres/failure.ts';
import { readingBegins } from '../postgres/reading.ts';
import { openProduction, type Snapshot } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';
import { inBatches } from '../system/batches.ts';
import { holdBrakes } from './snapshot/brakes.ts';
import { asMoved, type Lockable, lockableQuery, refuseMoved } from './snapshot/lockable.ts';
import { movedSince } from './snapshot/moved.ts';
import { type Exported, exportQuery, refuseShaky } from './snapshot/replica.ts';

/**
 * Locks production's tables against being dropped or altered (ACCESS SHARE, as a plain SELECT does), exports a
 * snapshot, and lets `work` read it. In a REPEATABLE READ transaction LOCK TABLE takes no snapshot yet (manual, LOCK),
 * so the state that is exported is the one that the locks hold still.
 */
export async function withSnapshot<Result>(
  run: Run,
  work: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  await using session = await openProduction(run);
  const { id, tables, taken } = await lockAndExport(run, session);
  await using brakes = holdBrakes(run, session);
  session.onLost((cause) => {
    const ended = codeOf(cause) === adminShutdown ? brakes.stoodStill() : undefined;
    run.abort(ended ?? snapshotLost(session.label, cause));
  });
  const same = `${begin}; set transaction snapshot '${id}'`;
  const readers = `reader of ${id}`;
  try {
    return await work({
      id,
      session,
      begin: same,
      tables,
      moved: movedSince(taken, session, brakes.opening),
      openReader: () => takeOrOpen(run.signal, readers, () => openReader(run, same)),
      expectReaders: (count) => openAhead(run.signal, readers, count, () => openReader(run, same)),
      giveBack: (reader) => handOn(run.signal, readers, reader),
    });
  } finally {
    // Each of them holds production's vacuum back as long as it lives.
    await cutAhead(run.signal, (what) => what !== readers);
  }
}

/** SQLSTATE of a session that somebody ended: pg_terminate_backend(). */
const adminShutdown = '57P01';

const triesAgainMs = 200;

/**
 * Whoever waits while it holds something can be part of a deadlock, and the server would end a migration rather than us:
 * one that has altered this table and goes on to that. So no lock is waited for; all are let go and taken anew, of the
 * tables that there are then: a migration may have made or dropped some. Nothing has been read or written yet, so beginning again
 * is safe.
 */
async function lockAndExport(
  run: Run,
  session: Session,
): Promise<Pick<Snapshot, 'id' | 'tables'> & Pick<Exported, 'taken'>> {
  const patient = AbortSignal.timeout(run.config.lockWaitSeconds * 1_000);
  for (;;) {
    const tables = await session.rows<Lockable>(lockableQuery);
    try {
      // Sent at once: what is refused first is the reason of what is refused after it.
      const [, , exported, seen] = await allDone([
        session.run(begin),
        lockTables(session, tables),
        session.row<Exported>(exportQuery),
        session.rows<Lockable>(lockableQuery),
      ]);
      refuseMoved(tables, seen);
      refuseShaky(exported);
      return { ...exported, tables: tables.length };
    } catch (cause) {
      const error = asMoved(cause);
      if (!passes(error)) throw error;
      if (patient.aborted) throw await nameTheLock(run, tables, error);
    }
    await session.run('rollback');
    await sleep(triesAgainMs, undefined, { signal: run.signal }).catch(() => run.signal.throwIfAborted());
  }
}

const passing: readonly ErrorCode[] = ['table-locked', 'catalog-moved', 'version-unsupported'];

/** A migration is over some time, and so are transactions. */
function passes(error: unknown): boolean {
  return error instanceof RefreshError && passing.includes(error.code);
}

function snapshotLost(object: string, cause: Error): RefreshError {
  const known = classify(cause, object);
  // A replica ends it, and what to do about that is another thing.
  if (known.code === 'recovery-conflict') return known;
  return new RefreshError('connection-lost', 'the session that holds production’s snapshot broke', {
    object,
    hint: 'production restarted or failed over, or this machine slept: run it again',
    cause,
  });
}

const begin = 'begin transaction isolation level repeatable read, read only';

const lockedAtOnce = 500;

async function lockTables(session: Session, tables: readonly TableRef[]): Promise<void> {
  // ONLY: partitions and children are in the list themselves.
  const lock = (batch: readonly TableRef[]) =>
    session.run(
      `lock table ${batch.map((table) => `only ${qualified(table)}`).join(', ')} in access share mode nowait`,
    );
  await allDone(inBatches(tables, lockedAtOnce).map(lock));
}

async function nameTheLock(run: Run, tables: readonly TableRef[], error: unknown): Promise<unknown> {
  if (!(error instanceof RefreshError) || error.code !== 'table-locked') return error;
  await using session = await openProduction(run);
  const holders = await session.rows<{
    schema: string;
    name: string;
    pid: number;
    application: string;
    gid: string | null;
  }>(
    `select n.nspname::text as schema, c.relname::text as name, l.pid, coalesce(a.application_name, '') as application,
            ${preparedHolder('l')} as gid
       from pg_catalog.pg_locks l
       join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.mode = 'AccessExclusiveLock' and l.granted
        and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`,
  );
  const names = new Set(tables.map(display));
  const holder = holders.find((lock) => names.has(display(lock)));
  return new RefreshError('table-locked', `a table stayed locked for ${run.config.lockWaitSeconds} s`, {
    object: holder ? `production table ${display(holder)}` : 'production',
    hint: holder
      ? holder.gid !== null
        ? `a prepared transaction holds ACCESS EXCLUSIVE on it until somebody ends it: ${endPrepared(holder.gid)}`
        : `process ${holder.pid} (${holder.application || 'unnamed'}) holds ACCESS EXCLUSIVE on it: wait until it is done`
      : 'a migration or VACUUM FULL is running: wait until it is done',
    cause: error,
  });
}

async function openReader(run: Run, beginning: string): Promise<Session> {
  const session = await openProduction(run, {}, 'rows');
  try {
    await session.run(`${beginning}; ${readingBegins}`);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
