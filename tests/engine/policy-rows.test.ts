import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';
import type { TestDatabase } from '../support/servers.ts';

const column = async (database: TestDatabase, sql: string): Promise<unknown[]> =>
  await as('postgres', database, async (session) =>
    (await session.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]),
  );

/** Tenants with everything that hangs on them: chains, composite and nullable keys, a key to itself, a circle. */
const tenants = `
  create table tenants (id int primary key, is_test boolean not null, parent int references tenants);
  create table sites (tenant int references tenants, no int, primary key (tenant, no), label text);
  create table visits (id serial primary key, tenant int, site int, foreign key (tenant, site) references sites);
  create table teams (id int primary key, tenant int not null references tenants, lead int);
  create table workers (id int primary key, team int references teams, boss int references workers);
  alter table teams add constraint teams_lead foreign key (lead) references workers;
  create table tickets (id int primary key, worker int constraint tickets_worker references workers, label text);
  create table logs (id int primary key, tenant_ref int, label text);
  create table echoes (id int primary key, tenant_ref int);
  create table loose (id int primary key, tenant int);
  create table stamps (at date not null, tenant int references tenants) partition by range (at);
  create table stamps_1 partition of stamps for values from ('2026-01-01') to ('2026-07-01');
  create table stamps_2 partition of stamps for values from ('2026-07-01') to ('2027-01-01');
  insert into tenants values (1, false, null), (2, true, null), (3, false, 2), (4, false, 3), (5, false, 1);
  insert into sites select t, n, 's' from generate_series(1, 5) t, generate_series(1, 3) n;
  insert into visits (tenant, site) select t, n from generate_series(1, 5) t, generate_series(1, 3) n;
  insert into visits (tenant, site) values (null, 1), (2, null);
  insert into teams select t * 10, t, null from generate_series(1, 5) t;
  insert into workers values (100, 10, null), (101, 10, 100), (102, null, 101), (200, 20, null), (201, 50, 200), (202, 50, 201), (500, 50, null);
  update teams set lead = 202 where id = 10; update teams set lead = 500 where id = 50;
  insert into tickets values (1, 100, 'a'), (2, 200, 'b'), (3, 500, 'c'), (4, null, 'd');
  insert into logs values (1, 1, 'x'), (2, 2, 'y'), (3, 99, 'z'), (4, null, 'n');
  insert into echoes values (1, 1), (2, 2), (3, 99), (4, null);
  insert into loose values (1, 1), (2, 2), (3, 99);
  alter table loose add constraint loose_tenant foreign key (tenant) references tenants not valid;
  insert into stamps select date '2026-01-01' + 60 * n, t from generate_series(1, 5) t, generate_series(0, 5) n;`;

test('a condition leaves out what refers to left-out rows, along every kind of key', async () => {
  await using scenario = await makeScenario(tenants);
  const flags = await policyFlags(`
version: 1
tables:
  public.tenants: { where: not is_test }
  public.tickets: { foreign-keys: { tickets_worker: set-null } }
  public.logs: { references: [{ columns: [tenant_ref], to: public.tenants, key: [id] }] }
  public.echoes: { references: [{ columns: [tenant_ref], to: public.tenants, key: [id], action: set-null }] }
`);
  const { report, stderr } = await expectRun(scenario.environment, flags);
  const ids = (sql: string) => column(scenario.staging, sql);
  assert.deepEqual(
    await ids('select id from tenants order by 1'),
    [1, 5],
    'tenants below a left-out one go too',
  );
  assert.deepEqual(await ids('select distinct tenant from sites order by 1'), [1, 5]);
  assert.deepEqual(
    await ids('select count(*)::int from visits'),
    [8],
    'incomplete composite keys refer to nothing',
  );
  // Worker 200 goes with team 20, so 201 and 202 below it, so team 10 whose lead is 202, so 100, 101 and 102.
  assert.deepEqual(await ids('select id from workers order by 1'), [500]);
  assert.deepEqual(await ids('select id from teams order by 1'), [50]);
  assert.deepEqual(await ids('select id from tickets order by 1'), [1, 2, 3, 4]);
  assert.deepEqual(await ids('select id from tickets where worker is not null'), [3]);
  assert.deepEqual(
    await ids('select id from logs order by 1'),
    [1, 3, 4],
    'a virtual reference to nothing stays',
  );
  assert.deepEqual(
    await ids('select coalesce(tenant_ref, 0) from echoes order by id'),
    [1, 0, 99, 0],
    'a virtual reference may be emptied, too',
  );
  assert.deepEqual(
    await ids('select id from loose order by 1'),
    [1, 3],
    'what production did not validate either',
  );
  assert.deepEqual(await ids('select distinct tenant from stamps order by 1'), [1, 5]);
  assert.match(stderr, /public\.sites: 9 rows are left out \(9 by sites_tenant_fkey\)/);
  assert.equal(report.tables.find(({ name }) => name === 'tenants')?.rowsLeftOut, 3);
  const invalid = await ids(`select conname from pg_constraint where contype = 'f' and not convalidated`);
  assert.deepEqual(invalid, ['loose_tenant']);
});

test('rows that refer to a table without rows go, unless the key may be set to NULL', async () => {
  await using scenario = await makeScenario(tenants);
  const flags = await policyFlags('version: 1\ntables: { public.workers: { treatment: schema-only } }');
  await expectRun(scenario.environment, flags);
  assert.deepEqual(await column(scenario.staging, 'select id from teams order by 1'), [20, 30, 40]);
  assert.deepEqual(await column(scenario.staging, 'select id from tickets order by 1'), [4]);
});

const flagsAndUsers = `
  create table feature_flags (flag text primary key, enabled boolean not null);
  create table users (id serial primary key, username text not null unique, staff boolean not null default false, version int default 7);
  create table uses (id serial primary key, flag text references feature_flags, user_id int references users);
  create table audit (line text);
  create function record() returns trigger language plpgsql as $$ begin insert into public.audit values (tg_table_name); return new; end $$;
  insert into feature_flags values ('a', true), ('b', false);
  insert into users (username) select 'person' || g from generate_series(1, 5) g;
  insert into uses (flag, user_id) values ('a', 1), (null, 2);
  create trigger recorded after insert on users for each row execute function record();`;

const ownStaging = `
  drop table old_staging;
  create table feature_flags (flag text primary key, enabled boolean not null, extra text);
  create table users (id serial primary key, username text not null unique, staff boolean not null default false);
  insert into feature_flags values ('a', false, 'x'), ('ours', true, 'x');
  insert into users (id, username) values (3, 'staging-admin'), (1000, 'tester'), (4, 'person4');`;

const preserving = `
version: 1
tables:
  public.feature_flags: { treatment: preserve }
  public.users:
    preserve: "username in ('staging-admin', 'tester')"
    mask: { username: { hash: { length: 16 } } }
`;

async function withOwnStaging(production = flagsAndUsers): Promise<Scenario> {
  const scenario = await makeScenario(production);
  await as('app', scenario.staging, (session) => session.query(ownStaging));
  return scenario;
}

test('staging keeps its own tables and rows: its row wins, sequences are raised, triggers stay quiet', async () => {
  await using scenario = await withOwnStaging();
  const environment = { ...scenario.environment, REFRESH_MASK_KEY: maskKey };
  for (const round of [1, 2]) {
    const { report } = await expectRun(environment, await policyFlags(preserving));
    const { staging } = scenario;
    assert.deepEqual(
      await column(staging, `select flag || enabled from feature_flags order by 1`),
      ['afalse', 'ourstrue'],
      `round ${round}`,
    );
    assert.deepEqual(await column(staging, `select username from users where id in (3, 1000) order by id`), [
      'staging-admin',
      'tester',
    ]);
    assert.deepEqual(
      await column(staging, `select version from users where id = 1000`),
      [7],
      'a column that staging lacked has its default',
    );
    assert.deepEqual(await column(staging, 'select count(*)::int from users'), [6]);
    assert.deepEqual(await column(staging, `select nextval('users_id_seq')::int`), [1001]);
    assert.deepEqual(await column(staging, 'select count(*)::int from audit'), [0]);
    assert.deepEqual(
      await column(staging, `select tgenabled::text from pg_trigger where tgname = 'recorded'`),
      ['O'],
    );
    assert.deepEqual(await column(staging, `select convalidated from pg_constraint where contype = 'f'`), [
      true,
      true,
    ]);
    assert.deepEqual(
      await column(staging, `select distinct tableowner::text from pg_tables where schemaname = 'public'`),
      ['app'],
    );
    const tables = new Map(report.tables.map((table) => [table.name, table]));
    assert.equal(tables.get('feature_flags')?.treatment, 'preserve');
    assert.equal(tables.get('feature_flags')?.preserved, 2);
    assert.equal(tables.get('users')?.preserved, 2);
  }
});

test('production’s rows that need a row which staging does not have: refused, named', async () => {
  await using scenario = await withOwnStaging(`${flagsAndUsers} insert into uses (flag) values ('b');`);
  await leavingStagingAlone(scenario, async () =>
    expectFailure(
      { ...scenario.environment, REFRESH_MASK_KEY: maskKey },
      {
        exit: 5,
        code: 'preserve-failed',
        says: /1 rows refer to rows that are not there.*\(uses_flag_fkey of public\.uses\)/,
      },
      await policyFlags(preserving),
    ),
  );
});

test('before publishing: files, the team’s command, checks; what they make belongs to the app', async () => {
  await using scenario = await makeScenario();
  const files = {
    'settings.sql': `update customers set name = 'neutral'; create table from_file (id int);`,
    'migrate.sh':
      'test -z "$PRODUCTION_DB_URL$STAGING_DB_URL$REFRESH_MASK_KEY$DO_API_TOKEN$GITHUB_TOKEN$PULUMI_CONFIG_PASSPHRASE$DIGITALOCEAN_TOKEN" && "$PG_BINDIR/psql" "$DATABASE_URL" -c "create table migrated (id int)"',
  };
  const policy = (check: string) => `
version: 1
tables: { public.customers: { mask: { name: { keep: made up for the test } } } }
before-publish:
  sql: [settings.sql]
  command: sh "$POLICY_FOLDER/migrate.sh"
  check: ["select count(*) > 0 from customers", "${check}"]
`;
  const [flag, file] = await policyFlags(policy('select true'), files);
  // What `pulumi up` hands on to the engine is no business of the command's either.
  const ofTheStack = { PULUMI_CONFIG_PASSPHRASE: 'phrase', DIGITALOCEAN_TOKEN: 'dop', GITHUB_TOKEN: 'ghp' };
  const environment = {
    ...scenario.environment,
    ...ofTheStack,
    POLICY_FOLDER: file.replace(/\/[^/]*$/, ''),
  };
  const { stderr } = await expectRun(environment, [flag, file]);
  assert.match(stderr, /CREATE TABLE/);
  assert.deepEqual(await column(scenario.staging, `select distinct name from customers`), ['neutral']);
  assert.deepEqual(
    await column(
      scenario.staging,
      `select tableowner::text from pg_tables where tablename in ('from_file', 'migrated')`,
    ),
    ['app', 'app'],
  );

  const failing: Record<string, [string, Record<string, string>, string, RegExp]> = {
    'a check that is false': [policy('select false'), files, 'check-failed', /\(select false\)/],
    'a file with an error': [
      policy('select true'),
      { ...files, 'settings.sql': 'select 1/0' },
      'before-publish-failed',
      /division by zero.*\(settings\.sql\)/,
    ],
    'a command that fails': [
      policy('select true'),
      { ...files, 'migrate.sh': 'echo broken >&2; exit 3' },
      'before-publish-failed',
      /broken[\s\S]*ended with status 3/,
    ],
  };
  for (const [name, [text, withFiles, code, says]] of Object.entries(failing)) {
    const [option, path] = await policyFlags(text, withFiles);
    await leavingStagingAlone(scenario, () =>
      expectFailure(
        { ...environment, POLICY_FOLDER: path.replace(/\/[^/]*$/, '') },
        { exit: 5, code, says },
        [option, path],
      ),
    );
    assert.ok(name);
  }
  await expectFailure(
    environment,
    { exit: 2, code: 'bad-policy', says: /can’t be read/ },
    await policyFlags(policy('select true')),
  );
});
