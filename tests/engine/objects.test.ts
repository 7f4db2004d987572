import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { artifactFolder, hasZstd, shell } from '../artifact/programs.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import {
  dropDatabase,
  engineEnvironment,
  freshDatabase,
  servers,
  type TestDatabase,
} from '../support/servers.ts';
import { difference, load, rowsByEnum } from '../support/whole-dump.ts';

// Without an artifact, rows travel in COPY's binary format wherever it means the same on both sides.
for (const artifact of [[], ['--no-artifact']]) {
  test(`every class of object that an owner can make arrives, rows, definitions, owners and privileges ${artifact}`, async () => {
    const { production, staging } = await pair();
    await load(production, 'everything.sql', 'app');
    await load(production, 'further.sql', 'app');
    await load(production, 'unlisted.sql', 'app');
    // pg_read_all_data does not read large objects, and to grant the reader each of them would be a difference.
    const reading = {
      ...(await environment(production, staging)),
      [environmentName.productionUrl]: production.url('postgres'),
    };
    const { report } = await expectRun(reading, ['--jobs', '2', '--verify', 'checksums', ...artifact]);

    assert.deepEqual(report.leftOut, []);
    assert.deepEqual(await difference(production, staging, saidOtherwise), []);
    assert.equal(await rowsByEnum(production), await rowsByEnum(staging));
  });
}

test('large objects that the reader may not read are counted, and the repair is said', async () => {
  const { production, staging } = await pair();
  await sql(production, `create table t (id int); select lo_create(4711), lo_create(4712)`);
  await expectFailure(await environment(production, staging), {
    exit: 3,
    code: 'unreadable-objects',
    says: /2 large objects[\s\S]*GRANT SELECT ON LARGE OBJECT/,
  });
});

test('what only a superuser can make arrives from superuser to superuser, but for passwords of other servers', async () => {
  const { production, staging } = await pair();
  await load(production, 'everything.sql', 'app');
  await load(production, 'further.sql', 'app');
  await load(production, 'unlisted.sql', 'app');
  await load(production, 'superuser.sql', 'postgres');
  const asSuperuser = {
    ...(await environment(production, staging)),
    [environmentName.productionUrl]: production.url('postgres'),
    [environmentName.stagingUrl]: staging.url('postgres'),
  };
  const { report } = await expectRun(asSuperuser, ['--jobs', '3', '--verify', 'checksums']);

  assert.deepEqual(
    report.leftOut.map(({ object }) => object),
    [
      'SUBSCRIPTION never_active',
      'USER MAPPING - USER MAPPING app SERVER elsewhere app',
      'rows of MATERIALIZED VIEW app.seen_elsewhere',
      'rows of MATERIALIZED VIEW app.seen_through',
    ],
  );
  for (const table of ['app.with_archive', 'app.with_child'])
    assert.match(report.warnings.join('\n'), new RegExp(`no statistics of ${table}: ANALYZE would ask`));
  // A dump says nothing of a subscription but that it is there; CREATE USER MAPPING, its header, its options, the lines around it.
  const mapping = [
    ...saidOtherwise,
    'never_active',
    'seen_elsewhere; Type: MATERIALIZED VIEW DATA',
    'seen_through; Type: MATERIALIZED VIEW DATA',
    'REFRESH MATERIALIZED VIEW app.seen_',
    'USER MAPPING',
    'clear text',
    `"user" 'u'`,
    '); #',
    ': -- #',
    ':  #',
  ];
  assert.deepEqual(await difference(production, staging, mapping), []);
  assert.equal(await rowsByEnum(production), await rowsByEnum(staging));
  assert.deepEqual(await databaseSettings(staging), await databaseSettings(production));
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

test('keys that the server names get their names, from an artifact, too; columns that inherit in another order are told in the report', async () => {
  const { production, staging } = await pair();
  await sql(
    production,
    `create table parent (a int); create table child (own int) inherits (parent); alter table parent add column late text;
     insert into child values (1, 2, 'x');
     create table key (id int primary key);
     create table middle (id int references key) partition by list (id); create table leaf partition of middle default;
     create table root (id int references key) partition by range (id);
     alter table root attach partition middle for values from (1) to (10);
     create table many (id int primary key) partition by range (id); create table many_1 partition of many for values from (0) to (10);
     create table many_2 partition of many default; create table to_many (id int references many, up int references many);
     alter table many detach partition many_1; alter table many attach partition many_1 for values from (0) to (10);
     alter table to_many rename constraint to_many_id_fkey1 to "taken over";
     create table "many $refresh$ '\\" (id int references many) partition by list (id);
     create table "of $refresh$ '\\" partition of "many $refresh$ '\\" default;
     alter table "of $refresh$ '\\" rename constraint "many $refresh$ '\\_id_fkey" to "$$ '\\";
     create operator <=> (leftarg = int, rightarg = int, function = int4eq, negator = <!>);
     create operator <!> (leftarg = int, rightarg = int, function = int4ne);
     create role only_there_${production.name.slice(-6)}; grant select on key to only_there_${production.name.slice(-6)};`,
  );
  try {
    const reading = await environment(production, staging);
    const flags = ['--verify', 'checksums', '--artifact', await artifactFolder()];
    const { report } = await expectRun(reading, flags);
    for (const told of [
      'columns of public.child are (a, own, late) in production and (a, late, own) here',
      'the commutator or negator of <!> is another one here',
      `privileges of roles that staging does not have are left out: only_there_${production.name.slice(-6)}`,
    ])
      assert(report.warnings.includes(told), `${told}\n${report.warnings.join('\n')}`);
    const keys = `select conrelid::regclass::text as table, conname, confrelid::regclass::text as references, convalidated, conparentid <> 0 as share
      from pg_constraint where contype = 'f' order by 1, 2, 3`;
    const there = await sql(production, keys);
    assert.deepEqual(
      there
        .map(({ conname }) => conname)
        .filter((name) => name === 'middle_id_fkey' || name === 'taken over'),
      ['middle_id_fkey', 'middle_id_fkey', 'taken over'],
    );
    assert.deepEqual(await sql(staging, keys), there);
    const file = report.artifact?.path ?? '';
    const { code, stderr } = await (await startEngine(reading, [file], 'restore')).result;
    assert.equal(code, 0, stderr);
    assert.deepEqual(await sql(staging, keys), there);
    if (hasZstd) {
      const byHand = await freshDatabase(staging.server, { prefix: 'hand' });
      await shell(byHand, 'zstd -dc "$FILE" | psql -X -v ON_ERROR_STOP=1', file);
      assert.deepEqual(await sql(byHand, keys), there);
      await dropDatabase(byHand);
    }
    assert.deepEqual(await sql(staging, 'select a, own, late from child'), [{ a: 1, own: 2, late: 'x' }]);
  } finally {
    await sql(production, `drop table key cascade; drop role only_there_${production.name.slice(-6)}`);
  }
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

/** What PostgreSQL says in other words after any restore: see schema-difference.ts. */
const saidOtherwise = ['::character varying', '"*VALUES*"'];

async function pair(): Promise<{ production: TestDatabase; staging: TestDatabase }> {
  const both = await servers();
  return {
    production: await freshDatabase(both.production, { prefix: 'objects' }),
    staging: await freshDatabase(both.staging, { prefix: 'objects' }),
  };
}

function environment(production: TestDatabase, staging: TestDatabase): Promise<Record<string, string>> {
  return engineEnvironment({ productionDatabase: production.name, stagingDatabase: staging.name });
}

async function sql(database: TestDatabase, text: string): Promise<Record<string, unknown>[]> {
  return await withSession(database.server, superuser(database.server), database.name, async (session) => {
    const result = await session.query(text);
    return Array.isArray(result) ? [] : result.rows;
  });
}

async function databaseSettings(database: TestDatabase): Promise<unknown> {
  return await sql(
    database,
    `select setrole::regrole::text as role, setconfig from pg_db_role_setting
      where setdatabase = (select oid from pg_database where datname = current_database()) order by 1`,
  );
}
