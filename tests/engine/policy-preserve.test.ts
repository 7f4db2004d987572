import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import { policyFlags } from '../support/policy.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';

const production = `
  create table teams (id int primary key, label text not null);
  create table flags (flag text primary key, enabled boolean not null, note text default 'new here');
  create table users (id serial primary key, username text not null unique, team int references teams, quota int not null default 5);
  create table lines (line text);
  create table uses (id serial primary key, user_id int references users);
  insert into teams values (1, 'one'), (2, 'two');
  insert into flags values ('of production', true, 'x');
  insert into users (username, team) select 'person' || g, 1 from generate_series(1, 5) g;
  insert into uses (user_id) values (1);`;

const staging = `
  drop table old_staging;
  create table teams (id int primary key, label text not null);
  create table flags (flag text primary key, enabled boolean not null, ours int);
  create table users (id serial primary key, username text not null unique, team int);
  create table lines (line text);
  insert into flags values ('a', true, 1), ('b', true, 1), ('c', true, 1);
  insert into users (id, username, team) values (100, 'staging-ann', 1), (101, 'staging-bob', null);
  insert into lines values ('x'), ('x'), ('y');`;

const preserving = `
version: 1
tables:
  public.flags: { treatment: preserve }
  public.lines: { treatment: preserve }
  public.users: { preserve: "username like 'staging-%'", mask: { username: { keep: made up for the test } } }
`;

async function makePair(ownStaging = staging): Promise<Scenario> {
  const scenario = await makeScenario(production);
  await as('app', scenario.staging, (session) => session.query(ownStaging));
  return scenario;
}

const rows = async ({ staging: database }: Scenario, sql: string): Promise<unknown[]> =>
  await as('postgres', database, async (session) =>
    (await session.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]),
  );

test('what staging changes in its own rows while the refresh runs is carried over, too', async () => {
  await using scenario = await makePair();
  const meanwhile = [
    `delete from flags where flag = 'a'`,
    `update flags set enabled = false where flag = 'b'`,
    `insert into flags values ('late', true, 2)`,
    `delete from lines where line = 'y'`,
    `insert into lines values ('z')`,
    `insert into users (id, username) values (200, 'staging-late')`,
    `delete from users where username = 'staging-bob'`,
  ];
  const [flag, file] = await policyFlags(
    `${preserving}
before-publish:
  sql: [own.sql]
  command: '"$PG_BINDIR/psql" -q "$LIVE" -v ON_ERROR_STOP=1 ${meanwhile.map((sql) => `-c "${sql.replaceAll("'", "''")}"`).join(' ')}'
  check: ["select (select enabled from flags where flag = 'b')"]
`,
    { 'own.sql': `update public.flags set note = 'by the file' where flag = 'c';` },
  );
  const environment = {
    ...scenario.environment,
    LIVE: scenario.staging.url('app'),
    PGSSLROOTCERT: scenario.staging.server.caFile,
  };
  const { stderr } = await expectRun(environment, [flag, file]);
  assert.match(stderr, /carried over once more: \d+ rows that staging changed meanwhile/);
  assert.deepEqual(
    await rows(scenario, `select flag || ' ' || enabled || ' ' || note from flags order by 1`),
    ['b false new here', 'c true by the file', 'late true new here'],
  );
  assert.deepEqual(await rows(scenario, 'select line from lines order by 1'), ['x', 'x', 'z']);
  assert.deepEqual(await rows(scenario, `select username from users where id >= 100 order by id`), [
    'staging-ann',
    'staging-late',
  ]);
  assert.deepEqual(await rows(scenario, `select nextval('users_id_seq')::int`), [201]);
  assert.deepEqual(
    await rows(scenario, `select distinct tableowner::text from pg_tables where schemaname = 'public'`),
    ['app'],
  );
});

test('rules do not act on staging’s own rows, and whatever numbers them goes on behind them', async () => {
  const tables = `
    create table log (id bigint, line text);
    create table articles (code text primary key, own boolean);
    create sequence articles_seq owned by articles.code;
    create table invoices (id numeric(20) primary key, own boolean);
    create sequence invoices_seq owned by invoices.id;
    create table debts (id serial primary key, own boolean);
    create rule kept as on delete to log do instead nothing;
    create rule written as on insert to invoices do also insert into log values (new.id, 'by a rule');
    create rule fixed as on update to debts do instead nothing;
    insert into articles values ('A1', false);
    insert into debts values (-1, false);
    insert into invoices values (1, false);
    truncate log;
    alter sequence debts_id_seq increment -1 minvalue -1000 maxvalue -1 start -1 restart;
    select setval('debts_id_seq', -3), setval('invoices_seq', 1);`;
  await using scenario = await makeScenario(tables);
  await as('app', scenario.staging, (session) =>
    session.query(`drop table old_staging; ${tables}
      insert into log values (1, 'of staging'); insert into articles values ('Z9', true);
      alter table invoices disable rule written; insert into invoices values (70, true);
      insert into debts values (-2, true);`),
  );
  const own = 'preserve: own';
  const [flag, file] = await policyFlags(`
version: 1
tables:
  public.log: { treatment: preserve }
  public.articles: { ${own} }
  public.invoices: { ${own} }
  public.debts: { ${own} }
before-publish:
  command: '"$PG_BINDIR/psql" -q "$LIVE" -v ON_ERROR_STOP=1 -c "insert into log values (2, ''late''); alter table debts disable rule fixed; update debts set id = -4 where own"'
`);
  const environment = {
    ...scenario.environment,
    LIVE: scenario.staging.url('app'),
    PGSSLROOTCERT: scenario.staging.server.caFile,
  };
  await expectRun(environment, [flag, file]);
  assert.deepEqual(await rows(scenario, 'select line from log order by 1'), ['late', 'of staging']);
  assert.deepEqual(await rows(scenario, 'select code from articles order by 1'), ['A1', 'Z9']);
  assert.deepEqual(await rows(scenario, 'select id::int from invoices order by 1'), [1, 70]);
  assert.deepEqual(await rows(scenario, 'select id from debts order by 1'), [-4, -1]);
  assert.deepEqual(
    await rows(scenario, `select nextval('invoices_seq')::int union all select nextval('debts_id_seq')::int`),
    [71, -5],
  );
  assert.deepEqual(
    await rows(
      scenario,
      `select distinct ev_enabled::text from pg_rewrite where rulename in ('kept', 'written', 'fixed')`,
    ),
    ['O'],
  );
});

test('a row that staging has confirmed is in staging afterwards, to the last moment', async () => {
  await using scenario = await makePair();
  const confirmed: string[] = [];
  let writing = true;
  const writer = (async () => {
    while (writing) {
      await as('app', scenario.staging, async (session) => {
        session.on('error', () => undefined);
        while (writing) {
          const flag = `f${confirmed.length}`;
          await session.query('insert into flags (flag, enabled) values ($1, true) on conflict do nothing', [
            flag,
          ]);
          confirmed.push(flag);
        }
      }).catch(() => undefined);
      await sleep(5);
    }
  })();
  const engine = await startEngine(scenario.environment, await policyFlags(preserving));
  const { code, stderr } = await engine.result;
  writing = false;
  await writer;
  assert.equal(code, 0, stderr);
  const there = new Set(await rows(scenario, 'select flag from flags'));
  assert.ok(confirmed.length > 10, `${confirmed.length} rows were written`);
  assert.deepEqual(
    confirmed.filter((flag) => !there.has(flag)),
    [],
  );
});

test('whoever writes to staging’s own tables at the end is ended, though somebody is in the way, too, who can’t be', async () => {
  await using scenario = await makePair();
  const { staging: database } = scenario;
  const flags = await policyFlags(preserving);
  const held = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const vacuuming = as('postgres', database, async (session) => {
    await session.query('begin; lock table flags in share update exclusive mode');
    await held.promise;
  });
  const writing = as('app', database, async (session) => {
    session.on('error', () => undefined);
    await session.query(`begin; insert into flags values ('never', true, 1)`);
    await Promise.race([new Promise((resolve) => session.once('end', resolve)), given.promise]);
  });
  const engine = await startEngine(scenario.environment, flags);
  while (!/ publish$/m.test(engine.said()) && !/^refresh: /m.test(engine.said())) await sleep(20);
  await sleep(1_000);
  held.resolve();
  await vacuuming;
  const { code, stderr } = await engine.result;
  given.resolve();
  await writing.catch(() => undefined);
  assert.equal(code, 0, stderr);
});

test('rows of staging’s that do not fit: refused by name, and nothing is published', async (t) => {
  const cases: Record<string, [string, RegExp]> = {
    'another unique key collides': [
      `insert into users (id, username) values (300, 'staging-x'); update users set username = 'staging-x2' where id = 300;
       alter table users drop constraint users_username_key; insert into users (id, username) values (301, 'staging-ann')`,
      /preserve-failed: .*users_username_key.*\(public\.users\)/,
    ],
    'a row of staging’s refers to one that production lacks': [
      'update users set team = 77 where id = 100',
      /1 rows refer to rows that are not there.*\(users_team_fkey of public\.users\)/,
    ],
    'staging lacks a column that has to have a value': [
      'alter table flags drop column enabled',
      /preserve-failed: .*"enabled".*\(public\.flags\)/,
    ],
    'staging’s type does not go into production’s': [
      `alter table flags alter column enabled type text using 'perhaps'`,
      /preserve-failed: .*boolean.*\(public\.flags\)/,
    ],
  };
  for (const [name, [change, says]] of Object.entries(cases)) {
    await t.test(name, async () => {
      await using scenario = await makePair(`${staging}; ${change}`);
      const flags = await policyFlags(preserving);
      await leavingStagingAlone(scenario, () =>
        expectFailure(scenario.environment, { exit: 5, code: 'preserve-failed', says }, flags),
      );
    });
  }
});

test('columns that one side lacks: the default there, a warning here', async () => {
  await using scenario = await makePair();
  const { report, stderr } = await expectRun(scenario.environment, await policyFlags(preserving));
  assert.ok(report.warnings.includes('public.flags: staging’s own columns are lost: ours'));
  assert.match(stderr, /public\.flags: staging’s rows get the default of note, which only production has/);
  assert.deepEqual(await rows(scenario, 'select distinct note from flags'), ['new here']);
  assert.deepEqual(await rows(scenario, 'select quota from users where id = 100'), [5]);
});

test('a last look before publishing: what the team’s own steps took away is told, what they left unchecked is refused', async () => {
  await using scenario = await makePair();
  const run = (own: string) =>
    policyFlags(`${preserving}before-publish: { sql: [own.sql] }\n`, { 'own.sql': own });
  const { report } = await expectRun(
    scenario.environment,
    await run(`delete from flags where flag = 'a'; alter table uses drop constraint uses_user_id_fkey;`),
  );
  const warnings = report.warnings.join('\n');
  assert.match(
    warnings,
    /public\.flags: 3 rows were carried over, and 2 are there, after the policy’s own steps/,
  );
  assert.match(warnings, /have taken away 1 of production’s constraints: uses_user_id_fkey of public\.uses/);
  const unchecked = `alter table uses drop constraint uses_user_id_fkey;
    alter table uses add constraint uses_user_id_fkey foreign key (user_id) references users not valid;`;
  const failing: [string, RegExp][] = [
    [unchecked, /uses_user_id_fkey of public\.uses \(constraints that are not validated\)/],
    [`select setval('users_id_seq', 7)`, /public\.users_id_seq is behind public\.users\.id \(sequences\)/],
  ];
  for (const [own, says] of failing) {
    const flags = await run(own);
    await leavingStagingAlone(scenario, () =>
      expectFailure(scenario.environment, { exit: 5, code: 'copy-differs', says }, flags),
    );
  }
});
