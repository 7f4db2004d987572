import type { Client } from 'pg';
import { startServer, stopServer } from '../../scripts/local/server.ts';
import { type Fault, phases, type Strike } from './fault.ts';
import type { Field, Side } from './field.ts';
import type { Random } from './random.ts';

/** Each round: what administrators, other people and crashes do to either server, at a random phase. */
export function serverFaults(random: Random, round = 0): Fault[] {
  const moment = () => ({ phase: random.pick(phases.slice(0, -1)), delayMs: random.below(200) });
  const server = (name: string, expects: Fault['expects'], rest: Partial<Fault>): Fault => ({
    kind: 'server',
    name,
    expects,
    moment: moment(),
    ...rest,
  });
  return [
    ...(['production', 'staging'] as const).flatMap((side) => [
      server(`${side} is restarted`, 'any', { strike: (context) => restart(context, side) }),
      server(`${side} crashes and recovers`, 'any', { strike: (context) => crash(context, side) }),
      ...sessionsOf(round).map((nth) =>
        server(`pg_terminate_backend of each of our sessions in ${side}, one a run`, 'any', {
          strike: (context) => terminate(context, side, nth),
        }),
      ),
      server(`the lock table of ${side} is full`, 'any', { strike: ({ field }) => fillLocks(field, side) }),
      server(`short timeouts set for our role in ${side}`, 'published', {
        arrange: (field) => timeouts(field, side),
      }),
      server(`our role may have one more connection in ${side}`, 'any', {
        strike: ({ field }) => limitConnections(field, side),
      }),
      server(`every connection of ${side} is taken`, 'any', {
        strike: ({ field }) => takeConnections(field, side),
      }),
    ]),
    server('a table of production is locked when the run begins', 'not published', {
      flags: ['--lock-wait', '1'],
      arrange: (field) => holding(field, 'production', 'begin; lock table orders in access exclusive mode'),
    }),
    server('in place: a table of staging is locked', 'not published', {
      flags: ['--strategy', 'in-place', '--lock-wait', '1'],
      errors: ['table-locked'],
      arrange: (field) => holding(field, 'staging', 'begin; lock table orders in access exclusive mode'),
    }),
    server('a table of staging is locked', 'published', {
      arrange: (field) => holding(field, 'staging', 'begin; lock table orders in access exclusive mode'),
    }),
    server('a table is created and changed in staging', 'published', {
      strike: ({ field }) => changeStaging(field),
    }),
    server('somebody is in the middle of a transaction in staging', 'published', {
      arrange: (field) => holding(field, 'staging', 'begin; update flags set note = note'),
    }),
    server('a table is created, changed and dropped in production', 'any', {
      strike: ({ field }) => changeSchema(field),
    }),
    server('a migration waits for the run’s locks', 'any', {
      flags: ['--max-blocking-seconds', '1', '--lock-wait', '2'],
      strike: ({ field }) => migrate(field),
    }),
  ];
}

async function restart({ field }: Strike, side: Side): Promise<undefined> {
  await stopServer(field.servers[side]);
  await startServer(field.servers[side]);
}

/** One killed backend makes the postmaster end all others and recover from the WAL. */
async function crash({ field }: Strike, side: Side): Promise<undefined> {
  const pid = await field.as(side, 'postgres', async (session) => {
    const { rows } = await session.query<{ pid: number }>(
      `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1`,
    );
    return rows[0]?.pid;
  });
  try {
    if (pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself: this server does not crash this time.
  }
}

/** Counted from the oldest, the newest, and by turns from round to round those between them. */
function sessionsOf(round: number): number[] {
  return [0, 1 + (round % 2), 3 + (round % 2), -1];
}

async function terminate({ field }: Strike, side: Side, nth: number): Promise<undefined> {
  await field.as(side, 'postgres', async (session) => {
    const { rows } = await session.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name like 'staging-refresh%' order by backend_start`,
    );
    const victim = rows.at(nth) ?? rows.at(-1);
    if (victim) await session.query('select pg_terminate_backend($1)', [victim.pid]);
  });
}

/** Advisory locks share the table with all others: taken until it says that it is full, and kept. */
async function fillLocks(field: Field, side: Side): Promise<() => Promise<void>> {
  return await keeping(field, side, async (session) => {
    // Locks of a session outlive the exception.
    await session.query(
      `do $$ begin for i in 1 .. 1000000 loop perform pg_advisory_lock(i); end loop;
         exception when out_of_memory then null; end $$`,
    );
  });
}

async function timeouts(field: Field, side: Side): Promise<() => Promise<void>> {
  const role = side === 'production' ? 'reader' : 'doadmin';
  // The last one is unknown before version 17, so no start-up packet can set it aside: our first statement has to fit in.
  const limits = {
    statement_timeout: '1ms',
    idle_in_transaction_session_timeout: '1ms',
    idle_session_timeout: '1ms',
    lock_timeout: '1ms',
    transaction_timeout: '250ms',
  };
  await field.as(side, 'postgres', async (session) => {
    for (const [name, limit] of Object.entries(limits))
      await session.query(`alter role ${role} set ${name} = '${limit}'`);
  });
  return async () => {
    await field.as(side, 'postgres', async (session) => {
      for (const name of Object.keys(limits)) await session.query(`alter role ${role} reset ${name}`);
    });
  };
}

async function limitConnections(field: Field, side: Side): Promise<() => Promise<void>> {
  const role = side === 'production' ? 'reader' : 'doadmin';
  await field.as(side, 'postgres', async (session) => {
    const { rows } = await session.query<{ count: number }>(
      'select count(*)::int from pg_stat_activity where usename = $1',
      [role],
    );
    await session.query(`alter role ${role} connection limit ${(rows[0]?.count ?? 0) + 1}`);
  });
  return async () => {
    await field.as(side, 'postgres', (session) => session.query(`alter role ${role} connection limit -1`));
  };
}

/** Those that are kept for superusers aside: what is asked for beyond them is refused. */
async function takeConnections(field: Field, side: Side): Promise<() => Promise<void>> {
  const free = await field.as(side, 'postgres', async (session) => {
    const { rows } = await session.query<{ free: number }>(
      `select current_setting('max_connections')::int - count(*)::int as free from pg_stat_activity where backend_type = 'client backend'`,
    );
    return rows[0]?.free ?? 0;
  });
  const taken = await Promise.all(
    Array.from({ length: free }, () => keeping(field, side, async () => undefined)),
  );
  return async () => {
    await Promise.all(taken.map((release) => release()));
  };
}

async function holding(field: Field, side: Side, sql: string): Promise<() => Promise<void>> {
  return await keeping(field, side, async (session) => {
    await session.query(sql);
  });
}

async function changeSchema(field: Field): Promise<undefined> {
  await field.on('production', 'app', async (session) => {
    for (const sql of [
      `set lock_timeout = '200ms'`,
      'create table passing (id integer primary key)',
      'alter table passing add column note text',
      'alter table wide alter column filler set statistics 50',
      'drop table passing',
    ])
      await session.query(sql).catch(() => undefined);
  });
}

/**
 * What is published comes in its place: it goes with the staging that it was made in. One that has come already, with no
 * other beside it, is left alone.
 */
async function changeStaging(field: Field): Promise<undefined> {
  await field
    .on('staging', 'app', async (session) => {
      const { rows } = await session.query(
        String.raw`select from pg_database where datname like 'business\_\_next\_%'`,
      );
      if (rows.length === 0) return;
      await session.query(
        'create table passing (id integer primary key); alter table wide add column passing text',
      );
    })
    .catch(() => undefined);
}

/** It changes nothing in the end, so that the next run finds what it knows. */
async function migrate(field: Field): Promise<() => Promise<void>> {
  const done = field.on('production', 'app', (session) =>
    session.query('begin; alter table customers add column passing text; rollback'),
  );
  done.catch(() => undefined);
  return async () => {
    await done.catch(() => undefined);
  };
}

/** A session that stays until the run is over. */
async function keeping(
  field: Field,
  side: Side,
  work: (session: Client) => Promise<void>,
): Promise<() => Promise<void>> {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let standing: () => void = () => undefined;
  const stands = new Promise<void>((resolve) => {
    standing = resolve;
  });
  const kept = field.on(side, 'app', async (session) => {
    session.on('error', () => undefined);
    await work(session);
    standing();
    await released;
    // Ended by the publishing run, it has nothing left to say.
    await session.query('rollback').catch(() => undefined);
  });
  kept.catch(() => standing());
  await stands;
  return async () => {
    release();
    await kept.catch(() => undefined);
  };
}
