import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Session } from '../../scripts/postgres/session.ts';
import { StatementCarrier } from '../../scripts/stages/script/carrier.ts';
import { artifactFolder, differing, dumpLines, loadEverything } from '../artifact/programs.ts';
import { contentOf } from '../support/content.ts';
import { libpq } from '../support/libpq.ts';
import { as, behindADoor, databasesBeside, makeScenario, smallProduction } from '../support/scenario.ts';
import { servers, type TestDatabase } from '../support/servers.ts';
import { command } from './command.ts';

test('somebody’s dump, plain or compressed, with every class of object that an owner can make', async () => {
  await using scenario = await makeScenario('');
  await loadEverything(scenario.production);
  // Its view needs the key, so that --clean writes a stand-in of it, of a type that an empty database has not.
  await as('app', scenario.production, (session) =>
    session.query(`create schema grading; create type grading.grade as enum ('good');
      create table grading.graded (id integer primary key, grade grading.grade);
      create view grading.grades as select id, grade, count(*) from grading.graded group by id`),
  );
  const { staging, environment } = scenario;
  const text = readFileSync(await dumpOf(scenario.production, ['--clean', '--if-exists']));
  const cleaning = readFileSync(await dumpOf(scenario.production, ['--clean']));
  const folder = await artifactFolder();
  const half = text.length >> 1;
  const files = {
    'dump.sql': text,
    'dump.sql.gz': Buffer.concat([gzipSync(cleaning.subarray(0, half)), gzipSync(cleaning.subarray(half))]),
    // As pzstd writes them: frames one after the other.
    'dump.sql.zst': Buffer.concat([
      zstdCompressSync(text.subarray(0, half)),
      zstdCompressSync(text.subarray(half)),
    ]),
  };
  const expected = await dumpLines(scenario.production);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    await as('postgres', staging, (session) => session.query('create table spoilt (id int)'));
    const { stderr } = await command(environment, ['restore', join(folder, name)]);
    assert.match(stderr, /it is loaded serially/);
    assert.deepEqual(differing(await dumpLines(staging), expected), [], name);
  }
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
});

test('owners and privileges come from the dump, INSERTs go too, and settings that are not known are dropped', async () => {
  await using scenario = await makeScenario();
  const { staging, environment, production } = scenario;
  const qa = `qa_${randomBytes(4).toString('hex')}`;
  await as('postgres', staging, (session) => session.query(`create role ${qa}`));
  await using _roles = {
    async [Symbol.asyncDispose]() {
      await scenario[Symbol.asyncDispose]();
      await as('postgres', { ...staging, name: 'postgres' }, (session) => session.query(`drop role ${qa}`));
    },
  };
  await as('app', staging, (session) =>
    session.query(`create table customers (); grant select on all tables in schema public to ${qa}`),
  );
  await as('app', production, (session) =>
    session.query(`grant select on customers to reader;
      create function helper(id integer) returns boolean language sql as 'select id > 0';
      create function by_path(id integer) returns boolean language plpgsql as 'begin return helper(id); end';
      create table checked (id integer check (by_path(id))); insert into checked values (1)`),
  );
  const file = await dumpOf(production, ['--inserts']);
  const text = readFileSync(file, 'utf8').replace(/^SET row_security/m, 'SET setting_of_tomorrow = on;\n$&');
  writeFileSync(file, text);
  const { stderr } = await command(environment, ['restore', file]);
  assert.match(stderr, /setting setting_of_tomorrow is dropped/);
  const [there, here] = [await contentOf(production), await contentOf(staging)];
  assert.deepEqual(here.tables, there.tables);
  assert.deepEqual(here.sequences, there.sequences);
  assert.match(here.schema, /ALTER TABLE public\.customers OWNER TO app;/);
  for (const table of ['customers', 'orders'])
    assert.match(here.schema, new RegExp(`GRANT SELECT ON TABLE public\\.${table} TO ${qa};`));
});

test('a policy applies to a dump as to production: masks, what is kept, what is run before publishing; nobody else sees its clear rows', async () => {
  await using scenario = await makeScenario();
  const { staging, environment, production } = scenario;
  await as('app', staging, (session) =>
    session.query(`create table flags (name text primary key); insert into flags values ('of staging')`),
  );
  await as('app', production, (session) =>
    session.query(`create table flags (name text primary key); insert into flags values ('of production');
      create table secrets (id int); insert into secrets values (1); ${behindADoor}`),
  );
  const folder = await artifactFolder();
  const policy = join(folder, 'policy.yaml');
  writeFileSync(
    policy,
    `version: 1
unlisted: copy
tables:
  public.customers: { treatment: copy, mask: { name: { fixed: "somebody" } } }
  public.flags: { treatment: preserve }
  public.secrets: { treatment: exclude }
before-publish: { check: ["select count(*) = 50 from customers where name = 'somebody'"] }
`,
  );
  const file = await dumpOf(production, []);
  await command(environment, ['restore', file, '--policy', policy]);
  await as('app', staging, async (session) => {
    const { rows } = await session.query(
      'select distinct name from customers union all select name from flags',
    );
    assert.deepEqual(rows.map(({ name }) => name).sort(), ['of staging', 'somebody']);
    assert.equal((await session.query(`select to_regclass('secrets') as there`)).rows[0].there, null);
  });
  assert.match((await contentOf(staging)).schema, /ALTER TABLE public\.customers OWNER TO app;/);
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
  const before = await contentOf(staging);
  writeFileSync(policy, 'version: 1\nunlisted: fail\n');
  await command(environment, ['restore', file, '--policy', policy], { exit: 2, says: /bad-policy/ });
  assert.deepEqual(await contentOf(staging), before);
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
});

test('verify takes it, too, and leaves nothing; nobody else sees its rows', async () => {
  await using scenario = await makeScenario(`${smallProduction} ${behindADoor}`);
  const { staging, environment } = scenario;
  const before = await contentOf(staging);
  for (const flags of [[], ['--encoding=LATIN1']]) {
    const file = await dumpOf(scenario.production, flags);
    const { stdout } = await command(environment, ['verify', file, '--json']);
    assert.equal(JSON.parse(stdout).verification.rows, 2051);
  }
  assert.deepEqual(await contentOf(staging), before);
  assert.deepEqual(await databasesBeside(staging), []);
});

test('what could lead elsewhere, or is not whole, is refused before staging is touched', async () => {
  await using scenario = await makeScenario();
  const { staging, environment, production } = scenario;
  const before = await contentOf(staging);
  const sound = readFileSync(await dumpOf(production, []), 'utf8');
  const rowsAt = sound.indexOf('COPY public.orders');
  const refused: [string, string | Buffer, RegExp][] = [
    ['shell', sound.replace('SET row_security', '\\! touch /tmp/never\nSET row_security'), /it holds \\!/],
    [
      'midway',
      sound.replace('SET row_security', 'select 1 \\g /tmp/never\n;SET row_security'),
      /it holds \\g/,
    ],
    ['create', readFileSync(await dumpOf(production, ['--create'])), /\\connect|beyond one database/],
    ['role', `${sound}CREATE ROLE intruder SUPERUSER;\n`, /beyond one database/],
    ['comment', `${sound}DROP/**/DATABASE "${staging.name}" WITH (FORCE);\n`, /beyond one database/],
    ['program', sound.replace('FROM stdin', `FROM PROGRAM 'id'`), /a file or a program/],
    ['custom', readFileSync(await dumpOf(production, ['-Fc'])), /custom format/],
    ['cut in rows', sound.slice(0, rowsAt + 2000), /it was cut/],
    ['cut at a line', sound.slice(0, rowsAt), /last line is missing/],
    ['cut gzip', gzipSync(sound).subarray(0, -9), /bad-file/],
    ['cut zstd', zstdCompressSync(sound).subarray(0, -5), /it was cut/],
    ['rows alone', readFileSync(await dumpOf(production, ['--data-only'])), /rows and no tables/],
    ['no text', zstdCompressSync(zstdCompressSync(sound)), /it is no SQL/],
    ['foreign', 'select 1;\n', /neither an artifact .* nor a dump/],
  ];
  const folder = await artifactFolder();
  for (const [name, content, says] of refused) {
    assert.notEqual(content, sound, name);
    writeFileSync(join(folder, name), content);
    await command(environment, ['restore', join(folder, name)], { exit: 2, says });
  }
  // Found only by the server: the next database goes, the live one stays.
  writeFileSync(join(folder, 'rows'), sound.replace(/^1\tcustomer 1$/m, '$&\tmore'));
  await command(environment, ['restore', join(folder, 'rows')], { exit: 4, says: /statement-failed/ });
  // What refuses a row may quote it: neither the statement's values nor a function's words are told.
  for (const [statements, said] of [
    [
      `INSERT INTO public.customers VALUES ('anna@example.org', 'Anna');`,
      'invalid input syntax for type integer (SQLSTATE 22P02) (INSERT INTO public.customers)',
    ],
    [
      `CREATE FUNCTION public.said(name text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ begin raise exception 'anna %', name; end $$;
       CREATE INDEX told ON public.customers (public.said(name));`,
      'what is computed of a row failed; the server’s log has its words (SQLSTATE P0001) (CREATE INDEX told ON public.customers)',
    ],
  ] as const) {
    writeFileSync(join(folder, 'quoting'), `${sound}${statements}\n`);
    const { stderr } = await command(environment, ['restore', join(folder, 'quoting')], { exit: 4 });
    assert.ok(stderr.includes(said), stderr);
    assert.doesNotMatch(stderr, /anna/i);
  }
  writeFileSync(
    join(folder, 'lexing'),
    `${sound}select set_config('standard_' || 'conforming_strings', 'off', false);\nselect 1;\n`,
  );
  await command(environment, ['restore', join(folder, 'lexing')], {
    exit: 2,
    says: /a statement has set standard_conforming_strings/,
  });
  const newer = join(folder, 'newer');
  writeFileSync(newer, sound.replace(/(?<=^-- Dumped from database version )\d+/m, '99'));
  const tooOld = { exit: 3, says: /version-unsupported: staging runs PostgreSQL .*, the file comes from 99/ };
  await command(environment, ['verify', newer], tooOld);
  const kept = await artifactFolder();
  await command(environment, ['restore', newer, '--backup-staging', '--artifact', kept], tooOld);
  assert.deepEqual(readdirSync(kept), [], 'nothing is backed up for what is refused');
  assert.deepEqual(await contentOf(staging), before);
  assert.deepEqual(await databasesBeside(staging), []);
});

test('what the judge would let through, the server itself refuses beside a second statement', async () => {
  await using scenario = await makeScenario('');
  const { staging } = scenario;
  await as('postgres', staging, async (client) => {
    const session = new Session(client, 'staging', 'test');
    const carrier = new StatementCarrier(session, 'dump.sql');
    for (const text of ['drop database template0', 'create database never', 'alter system reset work_mem']) {
      await assert.rejects(carrier.run(text, text), /inside a transaction block|in a transaction|pipeline/);
    }
    await assert.rejects(carrier.run('create rule r as on insert to t do (select 1); select 2', 'two'));
    await carrier.run('begin', 'begin');
    await carrier.run('create function f() returns int language sql as $$select 1; select 2$$', 'f');
    await carrier.run('commit', 'commit');
    assert.equal((await session.row<{ f: number }>('select f()')).f, 2);
  });
});

async function dumpOf(database: TestDatabase, flags: readonly string[]): Promise<string> {
  const { tools } = await servers();
  const file = join(await artifactFolder(), 'dump.sql');
  await promisify(execFile)(join(tools.bindir, 'pg_dump'), [...flags, `--file=${file}`], {
    env: libpq(database, 'postgres'),
  });
  return file;
}
