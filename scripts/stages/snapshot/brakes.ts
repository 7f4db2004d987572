import { setTimeout as sleep } from 'node:timers/promises';
import type { BrakesConfig } from '../../model/config.ts';
import { asError, RefreshError } from '../../model/errors.ts';
import { applicationOf, type Run } from '../../model/run.ts';
import { announcedPid } from '../../postgres/pg-client.ts';
import { openProduction } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { armDeadMansSwitch, stillSeconds } from './dead-mans-switch.ts';
import { waitingForUs } from './waiting.ts';

const looksEveryMs = 1_000;

/** What the run costs production now. */
interface Burden {
  /** Seconds since the snapshot was taken: for so long no row that died since can be cleaned up. */
  readonly heldBack: number;
  /** Seconds that a replica lies behind; null on a primary. */
  readonly replayLag: number | null;
  /** The session that waits longest for a lock of ours. */
  readonly waiting: {
    readonly pid: number;
    readonly application: string;
    readonly relation: string;
    readonly seconds: number;
    /** Seconds that a session of ours waits behind it; null where none does. */
    readonly behind: number | null;
  } | null;
}

interface Brakes extends AsyncDisposable {
  /** The session that watches: each of its statements sees production as it is then. */
  readonly opening: Promise<Session>;
  /** That the run stood still until now, which is why production has ended a session; undefined where it did not. */
  readonly stoodStill: () => RefreshError | undefined;
}

/**
 * Watches over a connection of its own what the run costs production, and ends the run with `brake` when that is more
 * than `run.config.brakes` allow. Disposed of with the snapshot.
 */
export function holdBrakes(run: Run, snapshot: Session): Brakes {
  const pid = announcedPid(snapshot.client);
  const opening = openProduction(run);
  const stop = new AbortController();
  const deadMansSwitch = armDeadMansSwitch(run, opening);
  let looked = performance.now();
  const watching = (async () => {
    const session = await opening;
    while (!stop.signal.aborted) {
      const burden = await readBurden(session, pid, run.id);
      looked = performance.now();
      const reason = burden ? exceeded(run.config.brakes, run.config.lockWaitSeconds, burden) : undefined;
      if (reason) return run.abort(reason);
      await sleep(looksEveryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  // Without this session nobody would brake.
  const watched = watching.catch((cause: unknown) => {
    if (!stop.signal.aborted && !run.signal.aborted) run.abort(asError(cause));
  });
  return {
    opening,
    stoodStill: () => stoodStill((performance.now() - looked) / 1000),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await deadMansSwitch[Symbol.asyncDispose]();
      await watched;
      await (await opening.catch(() => undefined))?.close();
    },
  };
}

/** @param pid the snapshot's backend; undefined is returned where it is gone. */
export async function readBurden(session: Session, pid: number, runId: string): Promise<Burden | undefined> {
  const [burden] = await session.rows<Burden>(burdenQuery, [pid, `${applicationOf({ id: runId })}%`]);
  return burden;
}

/**
 * The limit that is passed, as the run's error.
 *
 * @param lockWaitSeconds readers give up by themselves after so long; pg_dump has no such limit but for LOCK TABLE.
 */
export function exceeded(
  limits: BrakesConfig,
  lockWaitSeconds: number,
  burden: Burden,
): RefreshError | undefined {
  const { heldBack, replayLag, waiting } = burden;
  if (limits.xminAgeSeconds !== undefined && heldBack > limits.xminAgeSeconds) {
    return brake(
      `production’s xmin was held back for more than ${limits.xminAgeSeconds} s`,
      'production',
      'VACUUM could clean up nothing meanwhile: a larger --max-xmin-age-seconds, more --jobs, less data by policy, or a replica as the source',
    );
  }
  if (limits.replayLagSeconds !== undefined && replayLag !== null && replayLag > limits.replayLagSeconds) {
    return brake(
      `the replica lies ${Math.round(replayLag)} s behind its primary, more than ${limits.replayLagSeconds} s`,
      'production',
      'it waits for our snapshot, or has too much to replay: a larger --max-replay-lag-seconds, or run at a quieter hour',
    );
  }
  // One that waits behind whoever waits for us never gets there.
  const stuck = (waiting?.behind ?? 0) > lockWaitSeconds + 1;
  const blocked = waiting && waiting.seconds > limits.blockingSeconds;
  if (waiting && (stuck || blocked)) {
    return brake(
      `process ${waiting.pid} (${waiting.application || 'unnamed'}) waited more than ${blocked ? limits.blockingSeconds : lockWaitSeconds} s for a lock that this run holds`,
      `production table ${waiting.relation}`,
      'everybody who comes after it waits, too, so the run made way: run it again when that migration is over; refresh run --max-blocking-seconds sets the limit',
    );
  }
  return undefined;
}

/** @param seconds since the last look. */
function stoodStill(seconds: number): RefreshError | undefined {
  if (seconds < stillSeconds) return undefined;
  return brake(
    `the run stood still for ${Math.round(seconds)} s, and production ended its sessions`,
    'production',
    'it was stopped (Ctrl-Z), its machine had no time for it, or the network let nothing through: run it again',
  );
}

function brake(message: string, object: string, hint: string): RefreshError {
  return new RefreshError('brake', message, { object, hint });
}

/** $1: the snapshot's backend, $2: pattern of the run's sessions' names. */
const burdenQuery = `
  select extract(epoch from clock_timestamp() - a.xact_start)::float8 as "heldBack",
         case when not pg_catalog.pg_is_in_recovery() then null
              when pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() then 0
              else coalesce(extract(epoch from clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()), 0)
          end::float8 as "replayLag",
         (select pg_catalog.jsonb_build_object('pid', w.pid, 'application', s.application_name,
                   'relation', w.relation::regclass::text,
                   'seconds', extract(epoch from clock_timestamp() - w.waitstart),
                   'behind', (select max(extract(epoch from clock_timestamp() - b.waitstart))
                                from pg_catalog.pg_locks b join pg_catalog.pg_stat_activity o on o.pid = b.pid
                               where not b.granted and b.locktype = 'relation' and b.database = w.database
                                 and b.relation = w.relation and o.application_name like $2))
          ${waitingForUs}
           order by w.waitstart limit 1) as waiting
    from pg_catalog.pg_stat_activity a where a.pid = $1`;
