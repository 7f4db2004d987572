import { setTimeout as sleep } from 'node:timers/promises';
import { asError, RefreshError } from '../model/errors.ts';
import type { StagingRun } from '../model/run.ts';
import { ident, literal } from '../model/table.ts';
import { allDone } from '../system/all-done.ts';
import { inTheWay } from './blockers.ts';
import { type Ending, endingSessions, type Hold, wakingChannel } from './ending-sessions.ts';
import { refusalOf } from './failure.ts';
import { type LostTransaction, requireCommitted, type Witness } from './fate.ts';
import { requireRunLock } from './run-lock.ts';
import { openMaintenance } from './run-sessions.ts';
import type { Session } from './session.ts';

/** Two databases that change places. Each comment is what the database is to carry afterwards. */
export interface Swap {
  readonly live: { readonly name: string; readonly oid: number; readonly isTemplate: boolean };
  /** What the live one is called afterwards, and the mark that says so. */
  readonly aside: { readonly name: string; readonly comment: string };
  /** What takes its place. */
  readonly replacement: { readonly name: string; readonly comment: string | null };
  /** Called before each attempt; undefined where nothing is held. */
  readonly hold?: (() => Promise<Hold>) | undefined;
}

/** A rename that finds somebody connected is tried again this often before the run gives up. */
const attempts = 5;
const betweenAttemptsMs = 2_000;
/**
 * RENAME waits up to five seconds for sessions to leave (CountOtherDBBackends) and lets nobody in meanwhile. Whoever
 * can be ended is gone after a fraction of that; for a session that can't be ended nobody else shall be kept out.
 */
const patienceMs = 1_000;

/**
 * Puts one database in the live one's place: both renames in one transaction of the session that holds the run's lock,
 * so that losing the lock is losing the transaction. The name, the URL and the pools' settings stay.
 *
 * RENAME takes its lock on the database before it waits for sessions to leave (dbcommands.c, RenameDatabase): from
 * then on nobody new gets in, while a second session of ours ends those who are still there.
 *
 * @returns seconds in which nobody could connect.
 * @throws RefreshError `publish-failed`, `lock-lost`: staging is as it was; `publish-unknown`.
 */
export async function swapDatabases(run: StagingRun, maintenance: Session, swap: Swap): Promise<number> {
  const live = swap.live.name;
  const helper = await openMaintenance(run);
  // Its goodbye waits for its last look, which nobody else has to.
  using _farewell = { [Symbol.dispose]: () => void helper.close() };
  // By oid: while the renames are under way the names mean two things.
  const oids = helper.rows<{ oid: number }>(
    'select oid from pg_catalog.pg_database where datname = any ($1)',
    [[live, swap.replacement.name]],
  );
  oids.catch(() => undefined);
  let refusal: unknown;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    let begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    let xid: string | undefined;
    try {
      await renameHolding(maintenance, { helper, oids }, swap, (began) => {
        xid = began;
        begun = performance.now();
      });
      return seconds();
    } catch (error) {
      // A server that ends the session says so before it hangs up: only after this is it known to be lost.
      await maintenance.run('rollback').catch(() => undefined);
      if (maintenance.lost && xid !== undefined) {
        await requireCommitted(run, lostSwap(swap, xid), publishError(live, error));
        return seconds();
      }
      if (!somebodyConnected(error)) throw publishError(live, error);
      refusal = error;
      const who = await inTheWay(helper, live, await oids);
      run.log.info(`${live} can’t be renamed yet, attempt ${attempt} of ${attempts}${who && `: ${who}`}`);
      await sleep(betweenAttemptsMs);
    }
  }
  throw publishError(live, refusal, await inTheWay(helper, live, await oids));
}

/** RENAME says so itself (55006 object_in_use), or our own limit on it ran out first (57014 query_canceled). */
function somebodyConnected(error: unknown): boolean {
  const code = refusalOf(error);
  return code === '55006' || code === '57014';
}

/** Lost with the session are the sessions that kept staging's writers away: the renames are ended rather than waited for. */
function lostSwap({ live }: Swap, xid: string): LostTransaction {
  return { xid, end: true, witness: replaced(live) };
}

/** That `live` is the name of another database than it was. */
export function replaced({ name, oid }: Pick<Swap['live'], 'name' | 'oid'>): Witness {
  return {
    sql: `not exists (select from pg_catalog.pg_database where datname = ${literal(name)} and oid = ${oid})`,
  };
}

/** @param began called with the xid8 of the transaction before anything is renamed. */
async function renameHolding(
  maintenance: Session,
  ending: Ending,
  swap: Swap,
  began: (xid: string) => void,
): Promise<void> {
  const hold = await swap.hold?.();
  try {
    await begin(maintenance, swap.live.name, began);
    await rename(maintenance, ending, swap, hold);
  } catch (error) {
    await hold?.letGo();
    throw error;
  }
}

async function begin(maintenance: Session, live: string, began: (xid: string) => void): Promise<void> {
  const [, , { xid }] = await allDone([
    maintenance.run(
      `begin; listen ${wakingChannel}; commit;
       begin; set local synchronous_commit = on; set local statement_timeout = ${patienceMs}`,
    ),
    requireRunLock(maintenance, live),
    maintenance.row<{ xid: string }>('select pg_catalog.pg_current_xact_id()::text as xid'),
  ]);
  began(xid);
}

async function rename(
  maintenance: Session,
  ending: Ending,
  { live, aside, replacement }: Swap,
  hold: Hold | undefined,
): Promise<void> {
  await endingSessions(ending, hold, () =>
    maintenance.run(
      [
        `alter database ${ident(live.name)} rename to ${ident(aside.name)}`,
        `alter database ${ident(replacement.name)} rename to ${ident(live.name)}`,
        // Somebody may have closed it while it stood aside.
        `alter database ${ident(live.name)} with allow_connections true is_template ${live.isTemplate}`,
        // Nobody makes copies of it any more, and a template could not be dropped.
        ...(live.isTemplate ? [`alter database ${ident(aside.name)} with is_template false`] : []),
        `comment on database ${ident(aside.name)} is ${literal(aside.comment)}`,
        `comment on database ${ident(live.name)} is ${replacement.comment === null ? 'null' : literal(replacement.comment)}`,
        'commit',
      ].join(';\n'),
      live.name,
    ),
  );
}

function publishError(live: string, cause: unknown, repair = ''): RefreshError {
  if (cause instanceof RefreshError && (cause.code === 'lock-lost' || cause.code === 'preserve-failed'))
    return cause;
  const why = asError(cause).message;
  return new RefreshError('publish-failed', why, {
    object: live,
    hint: repair || 'staging is as it was; run it again',
    cause,
  });
}
