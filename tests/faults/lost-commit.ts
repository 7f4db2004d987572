import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { refreshing } from './act.ts';
import type { Fault, Strike } from './fault.ts';
import type { Field } from './field.ts';
import { failOver, type Twins } from './twins.ts';

/** Where a session of somebody's holds a publishing transaction up for a moment, so that what follows is no race. */
interface Halt {
  /** The database whose comment is held. */
  readonly database: RegExp;
  /** The statement that waits for it. */
  readonly waiting: string;
}

const swap: Halt = { database: /^business__next_/, waiting: '%rename to%' };
/** Its last statement before COMMIT is a note on what earlier swaps have left. */
const inPlace: Halt = { database: /^business__previous_/, waiting: 'comment on database%' };

/**
 * Each round: COMMIT is carried out, its answer does not arrive, and the standby takes over. One that had to hear of it
 * first knows; one that lies behind never will, and then the refresh never was, whether its answer arrived or not.
 */
export function lostCommits(staging: Twins): Fault[] {
  const server = (name: string, rest: Partial<Fault>): Fault => ({
    kind: 'server',
    name: `staging fails over, ${name}`,
    expects: 'any',
    moment: { phase: 'verify', delayMs: 0 },
    ...rest,
  });
  const behind = 'to a standby that lies behind';
  const direct = ['--strategy', 'in-place'];
  return [
    server('the answer to COMMIT is lost, to its synchronous standby', {
      strike: (context) => loseAnswer(context, staging, swap, true),
      errors: ['published-with-failures'],
    }),
    server(`the answer to COMMIT is lost, ${behind}`, {
      strike: (context) => loseAnswer(context, staging, swap, false),
      expects: 'not published',
    }),
    server('in place: the answer to COMMIT is lost, to its synchronous standby', {
      flags: direct,
      act: refreshing,
      strike: (context) => loseAnswer(context, staging, inPlace, true),
      errors: ['published-with-failures'],
    }),
    server(`in place: the answer to COMMIT is lost, ${behind}`, {
      flags: direct,
      act: refreshing,
      strike: (context) => loseAnswer(context, staging, inPlace, false),
      expects: 'not published',
    }),
    server(`after the answer to COMMIT, ${behind}`, {
      strike: (context) => loseCommit(context, staging),
      errors: ['publish-undone'],
      expects: 'not published',
    }),
  ];
}

async function loseAnswer(
  { field, run }: Strike,
  twins: Twins,
  { database, waiting }: Halt,
  heard: boolean,
): Promise<() => Promise<void>> {
  let repair: (() => Promise<void>) | undefined;
  await keeping(field, async (session) => {
    const { rows } = await session.query<{ name: string }>('select datname::text as name from pg_database');
    const name = rows.map((row) => row.name).find((known) => database.test(known));
    if (!name) throw new Error(`there is no database like ${database}`);
    await session.query(`begin; comment on database "${name}" is 'held'`);
    const port = await waitingAt(field, run, waiting);
    if (port === undefined) return;
    const goOn = await twins.hold();
    await session.query('rollback');
    await until(field, run, `client_port = ${port} and wait_event = 'SyncRep'`);
    field.proxies.staging.mute(port);
    if (!heard) await twins.partWays();
    goOn();
    await until(field, run, `client_port = ${port} and state = 'idle'`);
    repair = await takeOver(field, twins);
  });
  return repair ?? (() => twins.repair());
}

/** Staging's comment is held as soon as publishing has written it: what follows that, waits. */
async function loseCommit({ field, run }: Strike, twins: Twins): Promise<() => Promise<void>> {
  await twins.partWays();
  let repair: (() => Promise<void>) | undefined;
  await keeping(field, async (first) => {
    await first.query('begin; lock table pg_shdescription in exclusive mode');
    if ((await waitingAt(field, run, '%rename to%')) === undefined) return;
    await keeping(field, async (second) => {
      const locked = second.query('begin; lock table pg_shdescription in exclusive mode');
      locked.catch(() => undefined);
      await waitingAt(field, run, 'begin; lock table%');
      await first.query('rollback');
      await locked;
      await waitingAt(field, run, 'comment on database%');
      repair = await takeOver(field, twins);
    });
  });
  return repair ?? (() => twins.repair());
}

async function takeOver(field: Field, twins: Twins): Promise<() => Promise<void>> {
  const repair = await failOver(field, 'staging', twins);
  field.proxies.staging.heal();
  return repair;
}

/** A session whose server may go. */
async function keeping(field: Field, work: (session: Client) => Promise<void>): Promise<void> {
  await field.as('staging', 'postgres', async (session) => {
    session.on('error', () => undefined);
    await work(session);
  });
}

/** The port of the session whose statement waits for a lock; undefined where the run is over before. */
function waitingAt(field: Field, run: Strike['run'], statement: string): Promise<number | undefined> {
  return until(field, run, `query like '${statement}' and wait_event_type = 'Lock'`);
}

async function until(field: Field, run: Strike['run'], condition: string): Promise<number | undefined> {
  let over = false;
  void run.ended.then(() => {
    over = true;
  });
  return await field.as('staging', 'postgres', async (session) => {
    while (!over) {
      const { rows } = await session.query<{ port: number }>(
        `select client_port as port from pg_stat_activity where pid <> pg_backend_pid() and ${condition}`,
      );
      if (rows[0]) return rows[0].port;
      await sleep(5);
    }
    return undefined;
  });
}
