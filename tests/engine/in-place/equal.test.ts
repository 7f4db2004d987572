import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { environmentName } from '../../../scripts/contract.ts';
import { parseConnectionUrl } from '../../../scripts/model/server-address.ts';
import { openSession, type Session } from '../../../scripts/postgres/session.ts';
import { catalogLocks, countDropped, countMade } from '../../../scripts/stages/in-place/locks.ts';
import { contentOf } from '../../support/content.ts';
import { expectRun } from '../../support/engine.ts';
import { policyFlags } from '../../support/policy.ts';
import { as, databasesBeside, leavingNoTrace, makeScenario, scenarioOf } from '../../support/scenario.ts';
import { freshDatabase, servers, type TestDatabase } from '../../support/servers.ts';
import { makeScenarioInPlace, makeSteward } from '../../support/steward.ts';
import { difference, load, rowsByEnum } from '../../support/whole-dump.ts';

const inPlace = ['--strategy', 'in-place'];

test('every class of object arrives in place, whatever was there before, by a role without CREATEDB', async () => {
  const both = await servers();
  const production = await freshDatabase(both.production, { prefix: 'objects' });
  const staging = await freshDatabase(both.staging, { prefix: 'objects' });
  await using scenario = await scenarioOf(production, staging);
  await using steward = await makeSteward(scenario);
  await load(production, 'everything.sql', 'app');
  await load(staging, 'everything.sql', 'app');
  // What a superuser has installed stays: nobody else could make it again.
  for (const database of [production, staging]) {
    await as('postgres', database, (session) =>
      session.query('create schema kept authorization app; create extension pg_trgm schema kept'),
    );
  }
  await makeOwnHistory(staging, steward.user);
  // pg_read_all_data does not read large objects, and to grant the reader each of them would be a difference.
  const environment = { ...steward.environment, [environmentName.productionUrl]: production.url('postgres') };
  const oid = await oidOf(staging);
  const { report, stderr } = await expectRun(environment, inPlace);

  assert.equal(report.strategy, 'in-place');
  assert.equal(report.published?.previous, null);
  assert.deepEqual(report.leftOut, []);
  assert.match(
    stderr,
    /warning: in place: .* nobody else can use staging’s tables, and there is no rollback/,
  );
  assert.deepEqual(await difference(production, staging, []), []);
  assert.equal(await oidOf(staging), oid);
  assert.deepEqual(await databasesBeside(staging), []);
  assert.equal(await rowsByEnum(production), await rowsByEnum(staging));
});

test('a superuser’s casts between types of the system, on which nothing hangs, go and come again', async () => {
  await using scenario = await makeScenario('create table notes (id int)');
  const { production, staging } = scenario;
  for (const database of [production, staging]) {
    await as('postgres', database, (session) =>
      session.query('create cast (bigint as text) with inout as assignment'),
    );
  }
  const environment = { ...scenario.environment, [environmentName.stagingUrl]: staging.url('postgres') };
  const { report } = await expectRun(environment, inPlace);
  assert.deepEqual(report.leftOut, []);
});

test('the application’s own role, which owns the database, is enough; sessions stay', async () => {
  await using scenario = await makeScenarioInPlace();
  const { production, staging } = scenario;
  // A setting of production's database alone, which its definitions are written by.
  await as('app', production, (session) =>
    session.query(`alter database "${production.name}" set quote_all_identifiers = on`),
  );
  // Its first owner's privileges went to the new one, who has none beside.
  for (const database of [production, staging])
    await as('app', database, (session) => session.query('alter schema public owner to app'));
  await as('app', staging, async (client) => {
    const environment = { ...scenario.environment, [environmentName.stagingUrl]: staging.url('app') };
    await leavingNoTrace(scenario, () => expectRun(environment, inPlace));
    // It was connected all the time.
    const { rows } = await client.query('select count(*)::int as orders from orders');
    assert.deepEqual(rows, [{ orders: 2000 }]);
  });
  assert.deepEqual(await contentOf(staging), await contentOf(production));
});

test('what is staging’s own stays: rows, settings, comment, privileges on the database; SQL files and checks run', async () => {
  await using scenario = await makeScenarioInPlace(`
    create type mood as enum ('ok', 'happy');
    create table flags (id integer primary key, mood mood, added text default 'by production');
    create table people (id integer primary key, name text not null, email text not null);
    create table notes (person integer references people, flag integer references flags);
    insert into flags values (1, 'ok');
    insert into people select g, 'person ' || g, 'p' || g || '@example.com' from generate_series(1, 30) g;`);
  const { staging, environment } = scenario;
  await as('app', staging, (session) =>
    session.query(`
      create type mood as enum ('ok', 'happy');
      create table flags (id integer primary key, mood mood, own text);
      create table people (id integer primary key, name text not null, email text not null);
      insert into flags values (1, 'happy', 'x'), (7, null, E'tab\\t\\\\');
      insert into people values (2, 'tester', 'tester@staging.example'), (99, 'admin', 'admin@staging.example');
      alter database "${staging.name}" set work_mem = '5MB';
      comment on database "${staging.name}" is 'the team’s';
      revoke connect on database "${staging.name}" from public;
      grant connect on database "${staging.name}" to doadmin`),
  );
  await as('postgres', staging, (session) =>
    session.query('create schema only_here; create extension citext schema only_here'),
  );
  const locks =
    (await countingLocks(staging, countDropped)) + (await countingLocks(scenario.production, countMade));
  const held = `count(distinct (locktype, relation, classid, objid))`;
  const flags = await policyFlags(
    `
version: 1
unlisted: copy
tables:
  public.flags: { treatment: preserve }
  public.people: { treatment: copy, preserve: "id in (2, 99)", mask: { name: { fixed: someone }, email: { fixed: x@example.com } } }
before-publish:
  sql: [first.sql, second.sql]
  check: ["select count(*) = 31 from public.people", "select ${held} between ${locks / 2} and ${locks + catalogLocks} from pg_locks where pid = pg_backend_pid() and locktype in ('relation', 'object')", "select setting = 'off' from pg_settings where name = 'row_security';"]
`,
    {
      'first.sql': `-- with quotes: ' $$ "\nset search_path = nowhere;\ncreate table public.made (id integer);\ninsert into public.made values (1);`,
      'second.sql': `do $$ begin perform 1; end $$; insert into made values (2)`,
    },
  );
  const { report } = await expectRun(environment, [...inPlace, ...flags]);
  assert.deepEqual(Object.fromEntries(report.tables.map(({ name, preserved }) => [name, preserved])), {
    flags: 2,
    people: 2,
    notes: undefined,
  });
  await as('postgres', staging, async (session) => {
    const ask = async (text: string) => (await session.query({ text, rowMode: 'array' })).rows;
    assert.deepEqual(await ask('select * from flags order by id'), [
      [1, 'happy', 'by production'],
      [7, null, 'by production'],
    ]);
    assert.deepEqual(await ask('select id, name from people where id in (1, 2, 99) order by id'), [
      [1, 'someone'],
      [2, 'tester'],
      [99, 'admin'],
    ]);
    assert.deepEqual(await ask('select count(*)::int from made'), [[2]]);
    assert.deepEqual(await ask(`select 'A'::only_here.citext operator(only_here.=) 'a'::only_here.citext`), [
      [true],
    ]);
    assert.deepEqual(
      await ask(
        `select split_part(shobj_description(d.oid, 'pg_database'), chr(10), 1), setconfig, datacl::text ~ '[{,]=[A-Za-z]*c', convalidated
           from pg_database d join pg_db_role_setting s on s.setdatabase = d.oid, pg_constraint
          where datname = current_database() and conname = 'notes_flag_fkey'`,
      ),
      [['the team’s', ['work_mem=5MB'], false, true]],
    );
  });
});

/** What years of somebody else's work may have left: all of it has to go, but for the extension. */
async function makeOwnHistory(staging: TestDatabase, steward: string): Promise<void> {
  await as('postgres', staging, (session) =>
    session.query(`
      grant usage on schema kept to public;
      comment on schema public is 'changed'; grant create on schema public to public;
      create schema gone authorization ${steward};
      create table gone.old_table (id serial primary key, text text) partition by range (id);
      alter table gone.old_table owner to ${steward};
      create index on gone.old_table using gin (text kept.gin_trgm_ops);
      create view old_view as select * from gone.old_table; alter view old_view owner to app;
      alter default privileges for role app grant select on tables to public;
      alter default privileges for role ${steward} revoke execute on functions from public;
      alter default privileges for role ${steward} in schema public grant all on tables to public`),
  );
}

/** What preflight reckons with, against what the transaction comes to hold. */
async function countingLocks(
  database: TestDatabase,
  count: (session: Session) => Promise<number>,
): Promise<number> {
  const address = parseConnectionUrl(
    database.url('postgres'),
    'URL',
    readFileSync(database.server.caFile, 'utf8'),
  );
  await using session = await openSession(address, { side: 'staging', applicationName: 'a test' });
  return await count(session);
}

async function oidOf(staging: TestDatabase): Promise<number> {
  return await as('postgres', staging, async (session) => {
    const { rows } = await session.query<{ oid: number }>(
      'select oid from pg_database where datname = current_database()',
    );
    return rows[0]?.oid ?? 0;
  });
}
