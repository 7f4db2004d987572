import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from './session.ts';

/** Sessions of ours that keep staging's writers from its own tables until nobody else is left. */
export interface Hold {
  readonly pids: readonly number[];
  /** Ends them all: nobody who could write is left, and the renames can go on. */
  readonly release: () => Promise<void>;
  /** Lets staging's users write again: the renames were not possible, and are tried once more. */
  readonly letGo: () => Promise<void>;
}

/** A session that ends others, and the databases whose sessions it ends. */
export interface Ending {
  readonly helper: Session;
  readonly oids: Promise<readonly { readonly oid: number }[]>;
}

/**
 * RENAME looks once every 100 ms whether the sessions are gone (CountOtherDBBackends, pg_usleep), unless a signal wakes
 * it. A notification is one: SendProcSignal, and the sleep ends with EINTR.
 */
export const wakingChannel = 'staging_refresh_alone';

const endSessionsEveryMs = 5;

/** Of a role `r`: that we may end its sessions. To try it with any other is an error, and no further one is ended. */
export const mayBeEnded = `
  (not r.rolsuper or (select rolsuper from pg_catalog.pg_roles where rolname = current_user))
  and (pg_catalog.pg_has_role(current_user, r.oid, 'USAGE')
       or pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))`;

/** Ends the sessions in these databases again and again while `work` runs. */
export async function endingSessions(
  ending: Ending,
  hold: Hold | undefined,
  work: () => Promise<void>,
): Promise<void> {
  let working = true;
  let held = hold;
  const { helper } = ending;
  const oids = (await ending.oids).map((row) => row.oid);
  const looking = (async () => {
    while (working) {
      await helper.rows(
        `select pg_catalog.pg_terminate_backend(a.pid)
           from pg_catalog.pg_stat_activity a join pg_catalog.pg_roles r on r.oid = a.usesysid
          where a.datid = any ($1::oid[]) and a.pid <> pg_catalog.pg_backend_pid() and a.pid <> all ($2::int[])
            and ${mayBeEnded}`,
        [oids, held?.pids ?? []],
      );
      if (await isAlone(helper, oids, held?.pids ?? [])) {
        await held?.release();
        held = undefined;
        // Sleeping or not, it comes to its end: this only makes it sooner.
        await helper.run(`notify ${wakingChannel}`).catch(() => undefined);
      }
      await sleep(endSessionsEveryMs);
    }
  })();
  looking.catch(() => undefined);
  try {
    await work();
  } finally {
    working = false;
    // Its last look tells nothing any more, unless it lets somebody go.
    if (hold) await looking.catch(() => undefined);
  }
}

/** Whether nobody else is in these databases and RENAME's lock lets nobody in: what was written so far is all there is. */
async function isAlone(helper: Session, oids: readonly number[], pids: readonly number[]): Promise<boolean> {
  const { alone } = await helper.row<{ alone: boolean }>(
    `select exists (select from pg_catalog.pg_locks
                     where locktype = 'object' and classid = 'pg_catalog.pg_database'::regclass and objid = any ($1::oid[])
                       and mode = 'AccessExclusiveLock' and granted)
        and not exists (select from pg_catalog.pg_stat_activity
                         where datid = any ($1::oid[]) and backend_type = 'client backend' and pid <> all ($2::int[])) as alone`,
    [oids, pids],
  );
  return alone;
}
