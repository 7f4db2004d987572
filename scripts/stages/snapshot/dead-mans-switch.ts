import { asError, RefreshError } from '../../model/errors.ts';
import { applicationOf, type Run } from '../../model/run.ts';
import { announcedPid } from '../../postgres/pg-client.ts';
import { openProduction } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { waitingForUs } from './waiting.ts';

const roundSeconds = 5;
/** Somebody who looks once a second stands still if this much has passed. */
export const stillSeconds = 10;

/** For so long production bears a run that stands still and is in nobody's way. */
export function longestStandstill({ config }: Pick<Run, 'config'>): number {
  return stillSeconds + config.stallSeconds;
}

/**
 * Lets production itself end what a run holds there, once the engine stands still: it was stopped (Ctrl-Z), or its machine
 * or the network between went. Its snapshot would hold back VACUUM and its locks hold up migrations for as long as that
 * lasts, a session that is blocked in a COPY has no time limit of PostgreSQL's, and who should brake stands, too.
 * So the server has orders for longer than it waits: sleep, look whether the engine still looks, and again. The engine sends
 * further ones only as these are carried out.
 *
 * @param looking the session that asks something every second.
 */
export function armDeadMansSwitch(run: Run, looking: Promise<Session>): AsyncDisposable {
  // What it has been told to do it would go on doing when its client is gone.
  const opening = openProduction(run, { client_connection_check_interval: '100ms' });
  const over = new AbortController();
  const armed = (async () => {
    const [session, looks] = await allDone([opening, looking]);
    const longest = longestStandstill(run);
    const facts = [
      announcedPid(looks.client),
      `${applicationOf(run)}%`,
      longest,
      stillSeconds,
      run.config.brakes.blockingSeconds,
    ];
    const rounds = async () => {
      while (!over.signal.aborted)
        await allDone([
          session.run(`select pg_catalog.pg_sleep(${roundSeconds})`),
          session.rows(strikeQuery, facts),
        ]);
    };
    await Promise.all(Array.from({ length: Math.ceil(longest / roundSeconds) + 1 }, rounds));
  })().catch((cause: unknown) => {
    if (over.signal.aborted || run.signal.aborted) return;
    if (cause instanceof RefreshError && cause.code === 'not-permitted')
      run.log.warn(`production can’t end this run’s sessions if it stands still: ${cause.message}`);
    else run.abort(asError(cause));
  });
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      (await opening.catch(() => undefined))?.destroy();
      await armed;
    },
  };
}

/**
 * $1: the backend that is asked every second, $2: pattern of the run's sessions' names; seconds: $3 without its asking,
 * $4 the same where somebody is kept waiting for more than $5. Only what began before that is ended: a run may take another
 * snapshot at once.
 */
const strikeQuery = `
  select pg_catalog.pg_terminate_backend(ours.pid)
    from pg_catalog.pg_stat_activity ours
   where ours.application_name like $2 and ours.pid <> pg_catalog.pg_backend_pid()
     and ours.xact_start < clock_timestamp() - pg_catalog.make_interval(secs => $4)
     and not exists (
       select from pg_catalog.pg_stat_activity looks
        where looks.pid = $1 and looks.application_name like $2
          and (looks.state = 'active' or looks.state_change > clock_timestamp() - pg_catalog.make_interval(secs =>
                case when exists (select ${waitingForUs}
                                     and w.waitstart < clock_timestamp() - pg_catalog.make_interval(secs => $5))
                     then $4 else $3 end)))`;
