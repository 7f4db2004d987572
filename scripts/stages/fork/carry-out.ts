import { RefreshError } from '../../model/errors.ts';
import type { ForkRun } from '../../model/run.ts';
import { openFork } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { pause } from '../../system/pause.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { done, type Phase, readDone, type Step } from './journal.ts';

/** Sessions that carry steps out, one for each job. */
export async function openHands(
  run: ForkRun,
  searchPath: string,
): Promise<{ readonly hands: readonly Session[] } & AsyncDisposable> {
  const opened = new AsyncDisposableStack();
  const hands: Session[] = [];
  try {
    for (let job = 0; job < run.config.jobs; job++)
      hands.push(opened.use(await openFork(run, { search_path: searchPath })));
    return { hands, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** Carries out what of these phases is not done yet, and writes each step down as it is done. */
export async function carryOutPhases(
  run: ForkRun,
  hands: readonly Session[],
  phases: readonly Phase[],
): Promise<void> {
  for (const { name, serial, steps } of phases) {
    run.signal.throwIfAborted();
    const [first] = hands;
    if (!first || steps.length === 0) continue;
    const finished = await readDone(first);
    const waiting = steps.filter((step) => !finished.has(step.name));
    if (waiting.some(({ rewrites }) => rewrites !== undefined)) await awaitHorizon(run, first);
    let ended = steps.length - waiting.length;
    const tell = () => run.log.progress({ label: name, done: ended, total: steps.length, unit: 'steps' });
    tell();
    const tasks = waiting.map(
      (step): Task<Session> => ({
        name: step.name,
        weight: step.weight,
        after: [],
        ...(serial ? { alone: name } : {}),
        run: async (session) => {
          const begun = performance.now();
          await carryOutStep(session, step);
          ended++;
          tell();
          run.log.detail?.(`${step.name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
        },
      }),
    );
    // One after the other means in their order.
    if (serial) for (const task of tasks) await task.run(first, false);
    else await runTasks(tasks, hands);
  }
}

/** Work that is done by other means than SQL of ours: once, unless it was already. */
export async function once(
  session: Session,
  step: string,
  work: () => Promise<string | undefined>,
): Promise<string> {
  const known = (await readDone(session)).get(step);
  if (known !== undefined) return known;
  const result = await work();
  await session.run(done(step, result));
  return result ?? '';
}

/** All of these statements, or none. */
export async function inOneTransaction(
  session: Session,
  statements: readonly string[],
  object: string,
): Promise<void> {
  try {
    await session.run(['begin', ...statements, 'commit'].join(';\n'), object);
  } catch (error) {
    if (!session.lost) await session.run('rollback').catch(() => undefined);
    throw error;
  }
}

async function carryOutStep(session: Session, step: Step): Promise<void> {
  const { name, statements, rewrites } = step;
  if (rewrites === undefined) {
    await inOneTransaction(session, [...statements, done(name)], name);
    return;
  }
  const fileOf = async () =>
    (
      await session.row<{ file: string }>(
        'select pg_catalog.pg_relation_filenode($1::regclass)::text as file',
        [rewrites],
      )
    ).file;
  const before = await fileOf();
  for (const statement of statements) await session.run(statement, name);
  // Where a role may not, VACUUM says so in a warning and goes on.
  if ((await fileOf()) === before) {
    throw new RefreshError(
      'not-permitted',
      `${rewrites} can’t be rewritten, and has old values in dead rows`,
      {
        object: rewrites,
        hint: 'the administrator has to own the table, and the database for its catalogs; the fork stays closed',
      },
    );
  }
  await session.run(done(name));
}

/** How long a session that holds old rows back is waited for. */
const patienceMs = 600_000;

/**
 * VACUUM FULL keeps dead rows that somebody could still see: an autovacuum that samples, a standby's query. Waits until
 * nobody can see what stood there before.
 *
 * @throws RefreshError `statement-failed` naming who holds it back.
 */
async function awaitHorizon(run: ForkRun, session: Session): Promise<void> {
  const { now } = await session.row<{ now: string }>(
    'select pg_catalog.pg_current_xact_id()::xid::text as now',
  );
  const deadline = Date.now() + patienceMs;
  for (;;) {
    run.signal.throwIfAborted();
    const [holder] = await session.rows<{ who: string }>(holderQuery, [now]);
    if (!holder) return;
    if (Date.now() > deadline) {
      throw new RefreshError('statement-failed', `${holder.who} holds back what was deleted`, {
        object: 'the fork',
        hint: 'end it, then run this again: it goes on where it stood',
      });
    }
    await pause(200, run.signal);
  }
}

const holderQuery = `
  with holding (who, xmin) as (
    select format('process %s (%s)', pid, coalesce(nullif(application_name, ''), backend_type)), xmin
      from pg_catalog.pg_stat_activity, unnest(array[backend_xid, backend_xmin]) as old(xmin)
     where pid <> pg_catalog.pg_backend_pid()
    union all
    select 'the prepared transaction ' || gid, transaction from pg_catalog.pg_prepared_xacts
    union all
    select 'the replication slot ' || slot_name, xmin from pg_catalog.pg_replication_slots
    union all
    select 'the standby ' || coalesce(application_name, ''), backend_xmin from pg_catalog.pg_stat_replication
  )
  select who from holding where xmin is not null and age(xmin) > age($1::xid) limit 1`;
