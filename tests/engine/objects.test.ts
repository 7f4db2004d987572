import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { artifactFolder, hasZstd, shell } from '../artifact/programs.ts';
import { expectRun, startEngine } from '../support/engine.ts';
import { environment, pair, sql } from '../support/object-pair.ts';
import { dropDatabase, freshDatabase, type TestDatabase } from '../support/servers.ts';
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

/** What PostgreSQL says in other words after any restore: see schema-difference.ts. */
const saidOtherwise = ['::character varying', '"*VALUES*"'];

async function databaseSettings(database: TestDatabase): Promise<unknown> {
  return await sql(
    database,
    `select setrole::regrole::text as role, setconfig from pg_db_role_setting
      where setdatabase = (select oid from pg_database where datname = current_database()) order by 1`,
  );
}
