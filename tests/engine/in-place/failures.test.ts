import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../../commands/command.ts';
import { contentOf } from '../../support/content.ts';
import { expectFailure, startEngine } from '../../support/engine.ts';
import { policyFlags } from '../../support/policy.ts';
import { as, leavingStagingAlone, type Scenario, smallProduction, until } from '../../support/scenario.ts';
import { makeScenarioInPlace } from '../../support/steward.ts';

const inPlace = ['--strategy', 'in-place'];

/** A table whose rows take a moment each to be loaded into staging. */
const slowInPlace = `
  ${smallProduction}
  create function in_good_time(id integer) returns boolean language plpgsql as $$
    begin
      if current_database() like 'stag%' then perform pg_sleep(0.02); end if;
      return true;
    end $$;
  create table slow (id integer primary key check (in_good_time(id)), filler text not null);
  insert into slow select g, repeat('x', 20000) from generate_series(1, 3000) g;`;

test('whatever fails before COMMIT leaves staging as it was', async (t) => {
  await using scenario = await makeScenarioInPlace();
  const { staging, environment } = scenario;
  const fails = async (
    name: string,
    expected: { readonly exit: number; readonly code: string; readonly says?: RegExp },
    flags: readonly string[],
  ) =>
    await t.test(name, async () => {
      const all = [...inPlace, ...flags];
      await leavingStagingAlone(scenario, () => expectFailure(environment, expected, all));
    });

  await fails(
    'a command, which could not see what is not committed',
    { exit: 2, code: 'bad-policy', says: /command can’t work in place[\s\S]*HINT: write it as SQL files/ },
    await policy('{ command: "true" }'),
  );
  await fails(
    'a SQL file that would commit the half of it',
    { exit: 5, code: 'before-publish-failed', says: /EXECUTE of transaction commands is not implemented/ },
    await policy('{ sql: [it.sql] }', { 'it.sql': 'create table half (id int); commit; select 1' }),
  );
  await fails(
    'a SQL file that is refused',
    { exit: 5, code: 'before-publish-failed', says: /nowhere/ },
    await policy('{ sql: [it.sql] }', {
      'it.sql': 'drop table orders cascade; insert into nowhere values (1)',
    }),
  );
  await fails(
    'a row that a SQL file leaves for COMMIT to refuse',
    { exit: 5, code: 'before-publish-failed', says: /notes_of_nobody/ },
    await policy('{ sql: [it.sql] }', {
      'it.sql': `create table public.notes (customer integer constraint notes_of_nobody
                   references public.customers deferrable initially deferred);
                 insert into public.notes values (-1)`,
    }),
  );
  await fails(
    'a check that is more than a query',
    { exit: 5, code: 'check-failed' },
    await policy('{ check: ["select true; commit"] }'),
  );
  await fails(
    'a constraint that is looked at by COMMIT alone',
    { exit: 4, code: 'publish-failed', says: /notes_of_nobody/ },
    await policy('{ sql: [it.sql], check: ["select public.note(-1)"] }', {
      'it.sql': `create table public.notes (customer integer constraint notes_of_nobody
                   references public.customers deferrable initially deferred);
                 create function public.note(integer) returns boolean language sql
                   begin atomic insert into public.notes values ($1); select true; end`,
    }),
  );
  await t.test('an object that is somebody else’s', async () => {
    await as('postgres', staging, (session) => session.query('create table of_the_provider (id int)'));
    await leavingStagingAlone(scenario, () =>
      expectFailure(
        environment,
        {
          exit: 3,
          code: 'not-permitted',
          says: /can’t drop table public\.of_the_provider of postgres[\s\S]*HINT: .*REASSIGN OWNED BY/,
        },
        inPlace,
      ),
    );
    await as('postgres', staging, (session) => session.query('drop table of_the_provider'));
  });
  await t.test('more locks than fit, in a plan already, and plan says so', async () => {
    await as('app', staging, (session) =>
      session.query('select lo_create(0) from generate_series(1, 11000)'),
    );
    await leavingStagingAlone(scenario, () =>
      expectFailure(
        environment,
        {
          exit: 3,
          code: 'locks-insufficient',
          says: /\d{5} objects to drop \+ \d+ to make \+ 300 of the system’s need \d{5} locks in one transaction; of the 12800 .*, 10240 may/,
        },
        inPlace,
      ),
    );
    const plan = { exit: 3, says: /locks-insufficient: .* need \d{5} locks in one transaction/ };
    await command(environment, ['plan', ...inPlace], plan);
  });
});

test('a table of staging that somebody holds is named, with who', async () => {
  await using scenario = await makeScenarioInPlace();
  await leavingStagingAlone(scenario, () =>
    as('app', scenario.staging, async (holder) => {
      await holder.query(`set application_name = 'the shop'; begin; select * from old_staging`);
      const result = await expectFailure(
        scenario.environment,
        {
          exit: 3,
          code: 'table-locked',
          says: /stayed locked for 1 s \(staging table public\.old_staging\)[\s\S]*HINT: process \d+ of app \(the shop\) holds it/,
        },
        [...inPlace, '--lock-wait', '1'],
      );
      await holder.query('rollback');
      return result;
    }),
  );
});

test('in the middle of the copy: a signal, a lost session, a lost lock', async (t) => {
  await using scenario = await makeScenarioInPlace(slowInPlace);
  const ends = async (
    name: string,
    expected: { readonly exit: number; readonly code: string },
    end: (engine: Awaited<ReturnType<typeof startEngine>>) => Promise<unknown>,
  ) =>
    await t.test(name, async () => {
      await leavingStagingAlone(scenario, async () => {
        const engine = await startEngine(scenario.environment, inPlace);
        await untilLoading(scenario);
        await end(engine);
        const result = await engine.result;
        assert.equal(result.code, expected.exit, result.stderr);
        assert.equal(result.report?.error?.code, expected.code, result.stderr);
        return result;
      });
    });
  const terminate = (condition: string) =>
    until(scenario.staging, `select pg_terminate_backend(pid) from pg_stat_activity where ${condition}`);

  await ends('SIGTERM', { exit: 130, code: 'interrupted' }, async (engine) => engine.kill('SIGTERM'));
  await ends('the session that does it all', { exit: 4, code: 'connection-lost' }, () =>
    terminate(`datname = '${scenario.staging.name}' and query like '%copy "public"."slow"%'`),
  );
  await ends('the session that holds the lock', { exit: 4, code: 'lock-lost' }, () =>
    terminate(`datname = 'postgres' and usename = '${scenario.steward.user}'`),
  );
});

test('a lost answer to COMMIT: the server says what became of it', async (t) => {
  await using scenario = await makeScenarioInPlace();
  const { staging, environment } = scenario;
  const old = await contentOf(staging);
  /** COMMIT takes so long, and the engine is told to stop in the middle of it. */
  const interruptedCommit = async (seconds: number) => {
    const flags = await policy('{ sql: [it.sql], check: ["select public.last_words()"] }', {
      'it.sql': `create function linger() returns trigger language plpgsql as 'begin perform pg_sleep(${seconds}); return null; end';
                 create table lingering (id int);
                 create constraint trigger linger after insert on lingering deferrable initially deferred
                   for each row execute function linger();
                 create function last_words() returns boolean language sql
                   begin atomic insert into lingering values (1); select true; end`,
    });
    const engine = await startEngine(environment, [...inPlace, ...flags]);
    await until(
      staging,
      `select pid from pg_stat_activity where datname = '${staging.name}' and query = 'commit' and wait_event = 'PgSleep'`,
    );
    engine.kill('SIGTERM');
    return await engine.result;
  };
  await t.test('it was taken back', async () => {
    const result = await interruptedCommit(30);
    assert.equal(result.code, 130, result.stderr);
    assert.deepEqual(await contentOf(staging), old);
  });
  await t.test('it was carried out', async () => {
    const result = await interruptedCommit(1);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /the answer to COMMIT was lost; the server says that it was carried out/);
    assert.equal(result.report?.outcome, 'published');
    const { tables } = await contentOf(staging);
    assert.equal(tables['public.orders'], (await contentOf(scenario.production)).tables['public.orders']);
  });
});

/** Flags of a policy that leaves production's rows as they are. */
function policy(beforePublish: string, files: Readonly<Record<string, string>> = {}) {
  return policyFlags(
    `
version: 1
unlisted: copy
tables:
  public.customers: { treatment: copy, mask: { name: { keep: "made up" } } }
before-publish: ${beforePublish}
`,
    files,
  );
}

async function untilLoading({ staging }: Scenario): Promise<void> {
  await until(
    staging,
    `select pid from pg_stat_activity
      where datname = $1 and query like '%copy "public"."slow"%' and wait_event = 'PgSleep'`,
    [staging.name],
  );
}
