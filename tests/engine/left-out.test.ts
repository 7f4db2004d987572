import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { environment, pair, sql } from '../support/object-pair.ts';

test('large objects that the reader may not read are counted, and the repair is said', async () => {
  const { production, staging } = await pair();
  await sql(production, `create table t (id int); select lo_create(4711), lo_create(4712)`);
  await expectFailure(await environment(production, staging), {
    exit: 3,
    code: 'unreadable-objects',
    says: /2 large objects[\s\S]*GRANT SELECT ON LARGE OBJECT/,
  });
});

test('what a role without superuser rights cannot make is named, not lost silently', async () => {
  const { production, staging } = await pair();
  await sql(
    production,
    `create table t (id int primary key); insert into t values (1); alter table t owner to app;
     create function on_ddl() returns event_trigger language plpgsql as 'begin end';
     create event trigger watch on ddl_command_end execute function on_ddl();
     comment on event trigger watch is 'watches';
     create publication all_of_it for all tables;
     comment on publication all_of_it is 'publishes';
     create extension dblink;
     create extension hstore; create table added (id int); create function added_too() returns int language sql as 'select 1';
     alter extension hstore add table added; alter extension hstore add function added_too();
     create function pg_catalog.of_ours() returns int language sql as 'select 1';
     insert into pg_seclabel (objoid, classoid, objsubid, provider, label) values ('t'::regclass, 'pg_class'::regclass, 0, 'nobody', E'it''s\n;');`,
  );
  const { report, stderr } = await expectRun(await environment(production, staging));

  const leftOut = report.leftOut.map(({ object }) => object.split(' ').slice(0, 4).join(' '));
  assert.deepEqual(leftOut.toSorted(), [
    'EVENT TRIGGER - watch',
    'EXTENSION dblink',
    'FUNCTION pg_catalog.of_ours()',
    'FUNCTION public.added_too()',
    'PUBLICATION - all_of_it postgres',
    'SECURITY LABEL FOR nobody',
    'TABLE public.added',
  ]);
  assert.match(
    stderr,
    /left out: SECURITY LABEL FOR nobody ON TABLE public\.t IS [\s\S]*security label provider … is not loaded/,
  );
  assert.match(
    stderr,
    /left out: TABLE public\.added: it belongs to the extension hstore, which has none such in staging/,
  );
  for (const name of ['watch', 'dblink', 'all_of_it', 'of_ours'])
    assert.match(stderr, new RegExp(`left out: .*${name}`));
});

test('an extension that cannot be made stops the run where something needs it', async () => {
  const { production, staging } = await pair();
  await sql(
    production,
    `create table t (id int); create extension dblink; create view uses_it as select dblink_get_connections() as c;`,
  );
  await expectFailure(await environment(production, staging), {
    exit: 3,
    code: 'not-permitted',
    says: /view public.uses_it needs the extension dblink/,
  });
});

test('an index that a failed CREATE INDEX CONCURRENTLY has left is no part of the copy, and is named; a table in parts', async () => {
  const { production, staging } = await pair();
  await sql(
    production,
    `create table t (id int primary key, n int); insert into t values (1, 1), (2, 1);
     create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
     create index not_attached on only p (id);
     create table large (id int primary key, filler text) with (fillfactor = 10);
     insert into large select i, repeat(chr(65 + i % 26), 700) from generate_series(1, 5000) i;
     delete from large where id between 1000 and 3999;`,
  );
  await assert.rejects(
    sql(production, 'create unique index concurrently half_done on t (n)'),
    /could not create/,
  );
  const { report } = await expectRun(await environment(production, staging), ['--jobs', '3']);
  assert.deepEqual(
    report.leftOut.map(({ object }) => object),
    ['INDEX public.half_done'],
  );
  // 40 MB are read in three parts, of which the second has no rows any more.
  for (const part of ['1/3', '2/3', '3/3'])
    assert(
      report.work?.tasks.some(({ name }) => name === `copy public.large ${part}`),
      part,
    );
  const rows = `select count(*), min(id), max(id), sum(hashtextextended(l::text, 0)) from large l`;
  assert.deepEqual(await sql(staging, rows), await sql(production, rows));
  const indexes = `select indexrelid::regclass::text as name, indisvalid from pg_index
     where indrelid in ('t'::regclass, 'p'::regclass) and indexrelid::regclass::text <> 'half_done' order by 1`;
  assert.deepEqual(await sql(staging, indexes), await sql(production, indexes));
});

test('an index on a function that finds its helpers by search_path stops the run, and the runbook has the repair', async () => {
  const { production, staging } = await pair();
  await sql(
    production,
    `create function helper(t text) returns text immutable language sql as 'select lower(t)';
     create function by_path(t text) returns text immutable language plpgsql as 'begin return helper(t); end';
     create table t (t text); create index on t (by_path(t)); insert into t values ('a row''s own');`,
  );
  const { stderr } = await expectFailure(await environment(production, staging), {
    exit: 4,
    code: 'statement-failed',
    says: /SQLSTATE 42883\) \(public\.t\)\nHINT: docs\/runbook\.md \(statement-failed\)/,
  });
  assert.doesNotMatch(stderr, /a row's own/);
});

test('a policy of row level security that names a role which staging lacks stops the run, with the repair', async () => {
  const { production, staging } = await pair();
  const role = `only_in_production_${production.name.slice(-6)}`;
  await sql(
    production,
    `create role ${role}; create table t (id int); alter table t enable row level security;
     create policy p on t to ${role} using (true);`,
  );
  try {
    await expectFailure(await environment(production, staging), {
      exit: 3,
      code: 'not-permitted',
      says: new RegExp(`CREATE ROLE "${role}"`),
    });
  } finally {
    await sql(production, `drop table t; drop role ${role}`);
  }
});
