import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectRun } from '../support/engine.ts';
import { column, policyFlags } from '../support/policy.ts';
import { makeScenario } from '../support/scenario.ts';

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
  create table old_tickets (closed date) inherits (tickets);
  create table older_tickets () inherits (old_tickets);
  create table old_logs () inherits (logs);
  create table old_tenants (note text) inherits (tenants);
  create table old_echoes (primary key (tenant_ref)) inherits (echoes);
  insert into tenants values (1, false, null), (2, true, null), (3, false, 2), (4, false, 3), (5, false, 1);
  insert into sites select t, n, 's' from generate_series(1, 5) t, generate_series(1, 3) n;
  insert into visits (tenant, site) select t, n from generate_series(1, 5) t, generate_series(1, 3) n;
  insert into visits (tenant, site) values (null, 1), (2, null);
  insert into teams select t * 10, t, null from generate_series(1, 5) t;
  insert into workers values (100, 10, null), (101, 10, 100), (102, null, 101), (200, 20, null), (201, 50, 200), (202, 50, 201), (500, 50, null);
  update teams set lead = 202 where id = 10; update teams set lead = 500 where id = 50;
  insert into tickets values (1, 100, 'a'), (2, 200, 'b'), (3, 500, 'c'), (4, null, 'd');
  insert into logs values (1, 1, 'x'), (2, 2, 'y'), (3, 99, 'z'), (4, null, 'n');
  insert into old_tickets values (11, 100, 'a'), (12, 500, 'b'), (13, 99, 'c'), (14, null, 'd');
  insert into older_tickets values (21, 100, 'a'), (22, 500, 'b');
  insert into old_logs values (11, 1, 'x'), (12, 2, 'y'), (13, 6, 'z'), (14, 7, 'z');
  insert into old_tenants values (6, true, null), (7, false, null), (8, false, 2);
  insert into old_echoes values (11, 1), (12, 2);
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
  public.older_tickets: { mask: { label: { fixed: x } } }
  public.logs: { references: [{ columns: [tenant_ref], to: public.tenants, key: [id] }] }
  public.echoes: { references: [{ columns: [tenant_ref], to: public.tenants, key: [id], action: set-null }] }
`);
  const { report, stderr } = await expectRun(scenario.environment, flags);
  const ids = (sql: string) => column(scenario.staging, sql);
  assert.deepEqual(
    await ids('select id from only tenants order by 1'),
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
  assert.deepEqual(await ids('select id from only tickets order by 1'), [1, 2, 3, 4]);
  assert.deepEqual(await ids('select id from only tickets where worker is not null'), [3]);
  assert.deepEqual(
    await ids('select id from only logs order by 1'),
    [1, 3, 4],
    'a virtual reference to nothing stays',
  );
  assert.deepEqual(
    await ids('select coalesce(tenant_ref, 0) from only echoes order by id'),
    [1, 0, 99, 0],
    'a virtual reference may be emptied, too',
  );
  assert.deepEqual(
    await ids('select id from loose order by 1'),
    [1, 3],
    'what production did not validate either',
  );
  assert.deepEqual(await ids('select distinct tenant from stamps order by 1'), [1, 5]);
  // What inherits has none of its parent's keys, and none of them finds its rows.
  assert.deepEqual(await ids('select id from old_tenants order by 1'), [7]);
  assert.deepEqual(
    await ids('select coalesce(worker, 0) from old_tickets order by id'),
    [0, 500, 99, 0, 0, 500],
  );
  assert.deepEqual(await ids('select id from old_logs order by 1'), [11, 14]);
  assert.deepEqual(await ids('select id from old_echoes'), [11], 'where nothing may be empty the row goes');
  assert.match(stderr, /public\.sites: 9 rows are left out \(9 by sites_tenant_fkey\)/);
  assert.equal(report.tables.find(({ name }) => name === 'tenants')?.rowsLeftOut, 3);
  const invalid = await ids(`select conname from pg_constraint where contype = 'f' and not convalidated`);
  assert.deepEqual(invalid, ['loose_tenant']);
});

test('rows that refer to a table without rows go, unless the key may be set to NULL', async () => {
  await using scenario = await makeScenario(tenants);
  const flags = await policyFlags(
    'version: 1\ntables: { public.workers: { treatment: schema-only }, public.logs: { treatment: schema-only } }',
  );
  await expectRun(scenario.environment, flags);
  assert.deepEqual(await column(scenario.staging, 'select id from teams order by 1'), [20, 30, 40]);
  assert.deepEqual(await column(scenario.staging, 'select id from only tickets order by 1'), [4]);
  assert.deepEqual(await column(scenario.staging, 'select id from old_tickets order by 1'), [13, 14]);
  assert.deepEqual(await column(scenario.staging, 'select id from logs'), [], 'with what inherits from it');
});

test('what was read is not kept locked: production’s lock table is all of its sessions’', async () => {
  const locks = `(select count(*) from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid())::text`;
  await using scenario = await makeScenario(`
    do $$ begin for n in 1..100 loop
      execute format('create table wide_%s (id int primary key, held text)', n);
      execute format('create index on wide_%1$s (held); insert into wide_%1$s values (1, %2$L)', n, 'x');
    end loop; end $$;`);
  const flags = await policyFlags(`
version: 1
tables:
  public.wide_*: { mask: { held: { sql: "${locks}" } } }
`);
  await expectRun(scenario.environment, [...flags, '--jobs', '1']);
  const union = Array.from({ length: 100 }, (_, n) => `select held::int from wide_${n + 1}`).join(
    ' union all ',
  );
  const [most = 0] = await column(scenario.staging, `select max(held) from (${union}) as all_of_them`);
  // 25 small tables are read at once, each with two indexes.
  assert.ok(Number(most) < 150, `${most} locks were held at once`);
});
