import { asError } from '../../model/errors.ts';
import { applicationOf, type Run } from '../../model/run.ts';
import { classify } from '../../postgres/failure.ts';
import { announcedPid } from '../../postgres/pg-client.ts';
import { openProduction } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { waitingForUs } from './waiting.ts';

const roundSeconds = 5;
/** Somebody who looks once a second stands still if this much has passed. */
export const stillSeconds = 10;

/**
 * Lets production itself end what a run holds there, once the engine stands still: it was stopped (Ctrl-Z), or its machine
 * or the network between went. Its snapshot would hold back VACUUM and its locks hold up migrations for as long as that
 * lasts, a session that is blocked in a COPY has no time limit of PostgreSQL's, and who should brake stands, too.
 * So the server has one statement that goes on by itself: sleep, look whether the engine still looks, and again.
 *
 * @param looking the session that asks something every second.
 */
export function armDeadMansSwitch(run: Run, looking: Promise<Session>): AsyncDisposable {
  // Else the statement would go on when its client is gone.
  const opening = openProduction(run, { client_connection_check_interval: '100ms' });
  let over = false;
  const armed = (async () => {
    const [session, looks] = await allDone([opening, looking]);
    if (over) return;
    const facts = [
      announcedPid(looks.client),
      session.client.escapeLiteral(`${applicationOf(run)}%`),
      stillSeconds + run.config.stallSeconds,
      stillSeconds,
      run.config.brakes.blockingSeconds,
    ];
    // Past the watch over silent servers: its answer is not waited for.
    await session.client.query(orders.replaceAll(/\$(\d)/g, (_, number) => String(facts[number - 1])));
  })().catch(async (cause: unknown) => {
    if (over || run.signal.aborted) return;
    const error = asError(cause);
    if ((await opening.catch(() => undefined))?.over === false)
      run.log.warn(`production can’t end this run’s sessions if it stands still: ${error.message}`);
    else run.abort(classify(error, 'production'));
  });
  return {
    async [Symbol.asyncDispose]() {
      over = true;
      const [session, looks] = await Promise.all(
        [opening, looking].map((each) => each.catch(() => undefined)),
      );
      if (!session) return;
      // Cut, it would leave a FATAL error in production's log.
      const cancel = looks?.rows('select pg_catalog.pg_cancel_backend($1)', [announcedPid(session.client)]);
      await cancel?.then(() => session.close()).catch(() => undefined);
      session.destroy();
      await armed;
    },
  };
}

/**
 * $1: the backend that is asked every second, $2: pattern of the run's sessions' names; seconds: $3 without its asking,
 * $4 the same where somebody is kept waiting for more than $5. Only what began before that is ended: a run may take another
 * snapshot at once.
 */
const orders = `do $switch$ begin loop
  perform pg_catalog.pg_sleep(${roundSeconds}), pg_catalog.pg_stat_clear_snapshot();
  perform pg_catalog.pg_terminate_backend(ours.pid)
    from pg_catalog.pg_stat_activity ours
   where ours.application_name like $2 and ours.pid <> pg_catalog.pg_backend_pid()
     and ours.xact_start < clock_timestamp() - pg_catalog.make_interval(secs => $4)
     and not exists (
       select from pg_catalog.pg_stat_activity looks
        where looks.pid = $1 and looks.application_name like $2
          and (looks.state = 'active' or looks.state_change > clock_timestamp() - pg_catalog.make_interval(secs =>
                case when exists (select ${waitingForUs}
                                     and w.waitstart < clock_timestamp() - pg_catalog.make_interval(secs => $5))
                     then $4 else $3 end)));
  exit when found;
end loop;
exception when query_canceled then null;
end $switch$`;
