import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemaOf } from '../support/content.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { policyFlags } from '../support/policy.ts';
import { as, leavingStagingAlone, makeScenario, type Scenario } from '../support/scenario.ts';

const shop = `
  create schema side;
  create table sessions (id serial primary key, payload text);
  create table stock (id int); create table old_stock () inherits (stock);
  create table users (id serial primary key, login_count int, email text not null);
  create table orders (id serial primary key, user_id int references users, total numeric);
  create table audit_log (id serial primary key, order_id int references orders, line text);
  create view audit_view as select * from audit_log;
  create materialized view side.audit_totals as select count(*) from audit_view;
  create function audit_lines(a audit_log) returns text language sql as 'select a.line';
  comment on function audit_lines(audit_log) is 'goes too';
  create table notes_of_audit (id serial primary key, audit_id int constraint to_audit references audit_log);
  comment on constraint to_audit on notes_of_audit is 'goes too';
  create table auth_group (id serial primary key, label text);
  create table auth_permission (id serial primary key, label text);
  create table events (id int, at date, email text) partition by range (at);
  create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
  create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01');
  grant select on audit_view to public;
  insert into sessions (payload) select 'secret ' || g from generate_series(1, 10) g;
  insert into users (login_count, email) select g, 'user' || g || '@corp.test' from generate_series(1, 20) g;
  insert into orders (user_id, total) select 1 + g % 20, g from generate_series(1, 100) g;
  insert into audit_log (order_id, line) select g, 'l' from generate_series(1, 50) g;
  insert into notes_of_audit (audit_id) values (1);
  insert into auth_group (label) values ('a'); insert into auth_permission (label) values ('b');
  insert into events select g, date '2026-01-15' + g from generate_series(1, 30) g;
  refresh materialized view side.audit_totals;`;

const count = (scenario: Scenario, table: string) =>
  as('postgres', scenario.staging, async (session) => {
    const { rows } = await session.query<{ n: number }>(`select count(*)::int as n from ${table}`);
    return rows[0]?.n;
  });

test('treatments: copied, without rows, not there at all with what depends on it', async () => {
  await using scenario = await makeScenario(`${shop}
    select lo_from_bytea(4711, 'a passport'); comment on large object 4711 is 'x';`);
  const flags = await policyFlags(`
version: 1
large-objects: exclude
tables:
  public.sessions: { treatment: schema-only }
  public.users: { mask: { email: { fixed: nobody@example.com } } }
  public.audit_log: { treatment: exclude }
  public.auth_*: { treatment: schema-only }
  public.auth_group: { treatment: copy }
  public.events: { treatment: schema-only }
`);
  const { report, stderr } = await expectRun(scenario.environment, flags);
  // Production's role may not even read it, and need not.
  assert.equal(await count(scenario, 'pg_largeobject_metadata'), 0);
  assert.match(stderr, /left out: 1 large objects: the policy excludes them/);
  assert.equal(await count(scenario, 'sessions'), 0);
  assert.equal(await count(scenario, 'users'), 20);
  assert.equal(await count(scenario, 'orders'), 100);
  assert.equal(await count(scenario, 'auth_group'), 1, 'the name itself before a pattern');
  assert.equal(await count(scenario, 'auth_permission'), 0);
  assert.equal(await count(scenario, 'events'), 0, 'partitions follow the table that they are part of');
  assert.equal(await count(scenario, 'notes_of_audit'), 1);
  const schema = await schemaOf(scenario.staging);
  assert.doesNotMatch(schema, /audit_log|audit_view|audit_totals|audit_lines|to_audit/);
  assert.match(schema, /events_1/);
  assert.match(stderr, /left out: view public\.audit_view: it depends on public\.audit_log/);
  const treatment = new Map(report.tables.map((table) => [table.name, table.treatment]));
  assert.equal(treatment.get('sessions'), 'schema-only');
  assert.equal(treatment.get('users'), 'copy');
  assert.deepEqual(
    report.warnings.filter((warning) => !warning.startsWith('skipped')),
    ['only the staging before this one has: 1 table (public.old_staging)'],
  );

  // The policy was moved, or somebody runs it from another folder.
  await leavingStagingAlone(scenario, () =>
    expectFailure(scenario.environment, {
      exit: 2,
      code: 'bad-policy',
      says: /the last refresh had one: everything would be copied as it is.*\n.*--policy none/,
    }),
  );
  await as('app', scenario.production, (session) => session.query('select lo_unlink(4711)'));
  await expectRun(scenario.environment, ['--policy', 'none']);
  assert.equal(await count(scenario, 'sessions'), 10);
  await expectRun(scenario.environment, []);
});

test('a table cannot be excluded from under another one', async () => {
  await using scenario = await makeScenario(`
    create table base (id int);
    create table child () inherits (base);`);
  await refused(
    scenario,
    'tables: { public.base: { treatment: exclude } }',
    /table public\.child depends on a table that is excluded/,
  );
});

async function refused(scenario: Scenario, policy: string, says: RegExp, code = 'bad-policy'): Promise<void> {
  await leavingStagingAlone(scenario, async () =>
    expectFailure(
      scenario.environment,
      { exit: 2, code, says },
      await policyFlags(`version: 1\n${policy}\n`),
    ),
  );
}

test('what a policy says wrongly stops the run before a byte is read', async (t) => {
  await using scenario = await makeScenario(shop);
  const policies: Record<string, [string, RegExp]> = {
    'a pattern that matches nothing': [
      'tables: { public.sesions: { treatment: exclude } }',
      /did you mean public\.sessions\?/,
    ],
    'an unknown key': ['tables: { public.users: { treatmnt: copy } }', /:2:25: .*did you mean treatment\?/],
    'an unknown column': [
      'tables: { public.users: { mask: { emial: email } } }',
      /has no column emial: did you mean email\?/,
    ],
    'likely personal data without a decision': [
      'tables: {}',
      /public\.users:\n {4}mask:\n {6}email: email # looks like personal data \(e-mail address\)/,
    ],
    'likely personal data of a partition whose table has no rows': [
      'tables: { public.users: { mask: { email: { fixed: x } } }, public.events: { treatment: schema-only }, public.events_1: { where: "true" } }',
      /public\.events_1:\n {4}mask:\n {6}email: email # looks like personal data/,
    ],
    'kept without a reason': ['tables: { public.users: { mask: { email: keep } } }', /email: .*say why/],
    'a table that is not listed': [
      'unlisted: fail',
      /\n {2}public\.auth_group:\n {4}mask:\n {6}id: keep # is not listed/,
    ],
    'a column that is not listed': [
      'unlisted: fail\ntables: { public.*: { keep: [id, label, line, payload, "*_id", total, at], mask: { email: { fixed: x } } } }',
      /6 columns need|columns need a decision[\s\S]*login_count: keep # is not listed/,
    ],
    'what inherits, under a pattern that says less than what names its parent': [
      'tables: { public.stock: { treatment: schema-only }, "public.old_*": { keep: [id] } }',
      /public\.old_stock inherits from public\.stock, .* say what becomes of public\.old_stock/,
    ],
    'a mask on a table that is not copied': [
      'tables: { public.users: { treatment: schema-only, mask: { email: email } } }',
      /only goes with treatment copy/,
    ],
    'a key that is missing': [
      'tables: { public.users: { mask: { email: email } }, public.events: { treatment: schema-only } }',
      /REFRESH_MASK_KEY/,
    ],
    'a condition that is no SQL': [
      'tables: { public.users: { where: "nonsense is", mask: { email: { fixed: x } } }, public.events: { treatment: schema-only } }',
      /where: syntax error/,
    ],
  };
  for (const [name, [policy, says]] of Object.entries(policies)) {
    await t.test(name, () =>
      refused(scenario, policy, says, says.source.includes('MASK_KEY') ? 'bad-environment' : 'bad-policy'),
    );
  }
});

test('without a policy the report warns of what looks like personal data, in a bounded number of lines', async () => {
  const many = Array.from({ length: 30 }, (_, n) => `create table people_${n} (id int, email text)`).join(
    ';',
  );
  await using scenario = await makeScenario(`${many}; create table plain (id int, label text)`);
  const { report } = await expectRun(scenario.environment);
  assert.equal(report.warnings.length, 22, 'and what only staging has');
  assert.match(report.warnings[0] ?? '', /public\.people_\d+\.email looks like/);
  assert.match(report.warnings[20] ?? '', /and 10 more/);
});
