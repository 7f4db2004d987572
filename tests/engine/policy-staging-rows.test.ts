import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { column, maskKey, policyFlags } from '../support/policy.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';

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
    'settings.sql': `update customers set name = 'neutral'; create table from_file (id int); set search_path = nowhere;`,
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
