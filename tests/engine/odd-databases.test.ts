import assert from 'node:assert/strict';
import { test } from 'node:test';
import { superuser, withSession } from '../../scripts/local/session.ts';
import { artifactFolder } from '../artifact/programs.ts';
import { contentOf } from '../support/content.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import { column, policyFlags } from '../support/policy.ts';
import {
  as,
  leavingStagingAlone,
  makeScenario,
  type Scenario,
  smallProduction,
} from '../support/scenario.ts';
import type { TestDatabase } from '../support/servers.ts';

const providers = [
  ['builtin', `builtin_locale 'C.UTF-8'`],
  ['icu', `icu_locale 'de-u-kn' icu_rules '&a < z'`],
] as const;

for (const [provider, options] of providers) {
  test(`a database whose locale is ${provider}’s: its copy has the same, but one in place keeps its own, which is told`, async (t) => {
    await using scenario = await makeScenario();
    const { production } = scenario;
    const made = await remade(
      production,
      `encoding 'UTF8' lc_collate 'C' lc_ctype 'C' locale_provider ${provider} ${options}`,
    );
    if (!made) return t.skip(`this server has no locale provider ${provider}`);
    await as('app', production, (session) => session.query(smallProduction));
    const environment = { ...scenario.environment, PRODUCTION_DB_URL: production.url('postgres') };
    const inPlace = async () => {
      const { report } = await expectRun(environment, ['--strategy', 'in-place', '--no-artifact']);
      return report.warnings.filter((line) =>
        /keeps its own collation \(lc_collate .*; production: lc_collate .* locale_provider /.test(line),
      );
    };
    assert.equal((await inPlace()).length, 1);
    await expectRun(environment);
    assert.deepEqual(await inPlace(), []);
    assert.deepEqual(await localeOf(scenario.staging), await localeOf(production));
  });
}

test('states that no dump tells are told: triggers of a foreign key that are disabled, a partition half detached, no schema public', async () => {
  await using scenario = await makeScenario(`
    drop schema public; create schema own; set search_path = own;
    create table ref (id integer primary key);
    create table referring (id integer, ref integer constraint referring_ref references ref);
    create table parted (id integer) partition by range (id);
    create table parted_1 partition of parted for values from (0) to (10);
    create table parted_2 partition of parted for values from (10) to (20);
    insert into parted values (1), (11)`);
  const { production } = scenario;
  await as('postgres', production, async (session) => {
    await session.query('alter table own.referring disable trigger all');
    await session.query('begin isolation level repeatable read; select from own.parted');
    await as('app', production, async (detaching) => {
      await detaching.query(`set statement_timeout = '300ms'`);
      await assert.rejects(
        detaching.query('alter table own.parted detach partition own.parted_2 concurrently'),
      );
    });
    await session.query('rollback');
  });
  const { report } = await expectRun(scenario.environment);
  assert.deepEqual(
    report.leftOut.map(({ object }) => object),
    [
      'DETACH PARTITION own.parted_2 CONCURRENTLY',
      'DISABLE TRIGGER of the foreign key referring_ref on own.referring',
      'DROP SCHEMA public',
    ],
  );
});

test('tables and indexes in a tablespace arrive in staging’s default one', async () => {
  await using scenario = await makeScenario();
  const { production, staging } = scenario;
  await as('postgres', production, async (session) => {
    await session.query('set allow_in_place_tablespaces = on');
    await session.query(`create tablespace "${production.name}" location ''`);
    await session.query(`grant create on tablespace "${production.name}" to app`);
  });
  const space = `tablespace "${production.name}"`;
  await as('app', production, (session) =>
    session.query(`
      create table "elsewhere" (id integer primary key using index ${space}, part integer) ${space};
      create index on "elsewhere" (part) ${space};
      create table parted (id integer primary key using index ${space}) partition by range (id) ${space};
      create table parted_1 partition of parted for values from (0) to (10) ${space};
      create materialized view seen ${space} as select * from "elsewhere";
      insert into "elsewhere" values (1, 1); insert into parted values (1);
      refresh materialized view seen`),
  );
  try {
    const { report } = await expectRun(scenario.environment);
    assert.deepEqual((await contentOf(staging)).tables, (await contentOf(production)).tables);
    assert.deepEqual(
      report.leftOut.map(({ object }) => object),
      [`TABLESPACE ${production.name}`],
    );
    // What a view holds may be older than the rows that it would hold now.
    await as('app', production, (session) =>
      session.query(`create unique index on seen (part); insert into "elsewhere" values (2, 1)`),
    );
    await expectFailure(scenario.environment, {
      exit: 4,
      code: 'statement-failed',
      says: /can’t be filled: could not create unique index .*\n[\s\S]*HINT: try REFRESH MATERIALIZED VIEW "public"\."seen" in production/,
    });
  } finally {
    await as('postgres', production, async (session) => {
      await session.query('drop table parted, "elsewhere" cascade');
      await session.query(`drop tablespace "${production.name}"`);
    });
  }
});

test('rows that break production’s own foreign key stop the run with the repair, and the policy can leave them out', async () => {
  await using scenario = await makeScenario();
  const { production, staging, environment } = scenario;
  await as('postgres', production, (session) =>
    session.query('set session_replication_role = replica; delete from customers where id = 7'),
  );
  await leavingStagingAlone(scenario, () =>
    expectFailure(environment, {
      exit: 4,
      code: 'statement-failed',
      says: /orders_customer_fkey[\s\S]*HINT: production’s own rows may break that key .*the policy’s where/,
    }),
  );
  const policy = await policyFlags(`version: 1
tables:
  public.customers: { mask: { name: { fixed: x } } }
  public.orders: { where: exists (select from public.customers c where c.id = customer) }`);
  await expectRun(environment, ['--no-artifact', ...policy]);
  assert.deepEqual(await column(staging, 'select count(*)::int from orders'), [1960]);
});

test('a check whose function finds its helper by the search_path of the role that owns it', async () => {
  await using scenario = await makeScenario(smallProduction);
  const { production, staging } = scenario;
  await as('postgres', production, (session) =>
    session.query(`
      create schema core authorization app; set role app; set search_path = core;
      create function helper(integer) returns boolean language sql as 'select $1 > 0';
      create function passes(integer) returns boolean language plpgsql as 'begin return helper($1); end';
      create table checked (id integer check (passes(id))); insert into checked values (1);
      reset role; alter role app in database "${production.name}" set search_path = core, public`),
  );
  const reading = { ...scenario.environment, PRODUCTION_DB_URL: production.url('postgres') };
  const { report } = await expectRun(reading, ['--artifact', await artifactFolder()]);
  await expectRestored(reading, report.artifact?.path ?? '');
  assert.deepEqual(await column(staging, 'select id from core.checked'), [1]);
});

async function expectRestored(environment: Readonly<Record<string, string>>, file: string): Promise<void> {
  const { result } = await startEngine(environment, [file], 'restore');
  const { code, stderr } = await result;
  assert.equal(code, 0, stderr);
}

test('a name in SQL_ASCII that is no UTF-8 stops the run', async () => {
  await using scenario = await makeScenario();
  const { production } = scenario;
  await remade(production, `encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`);
  await as('app', production, async (session) => {
    await session.query(smallProduction);
    // create table "\xe4" (id integer)
    const statement = '637265617465207461626c652022e4222028696420696e746567657229';
    await session.query(`do $$ begin execute convert_from('\\x${statement}', 'SQL_ASCII'); end $$`);
  });
  const before = await contentOf(scenario.staging);
  await expectFailure(
    { ...scenario.environment, PRODUCTION_DB_URL: production.url('postgres') },
    { exit: 4, code: 'statement-failed', says: /HINT: in a SQL_ASCII database a name/ },
  );
  assert.deepEqual(await contentOf(scenario.staging), before);
});

/** Empty again, with these options of CREATE DATABASE. @returns whether the server could. */
async function remade({ name, server }: TestDatabase, options: string): Promise<boolean> {
  return await withSession(server, superuser(server), 'postgres', async (session) => {
    await session.query(`drop database "${name}" with (force)`);
    try {
      await session.query(`create database "${name}" owner app template template0 ${options}`);
      return true;
    } catch {
      await session.query(`create database "${name}" owner app`);
      return false;
    }
  });
}

async function localeOf({ name, server }: Scenario['staging']): Promise<unknown> {
  return await withSession(server, superuser(server), 'postgres', async (session) => {
    const { rows } = await session.query(
      `select d.encoding, d.datlocprovider, d.datcollate, d.datctype, to_jsonb(d) ->> 'datlocale' as locale, to_jsonb(d) ->> 'daticurules' as rules
         from pg_database d where datname = $1`,
      [name],
    );
    return rows[0];
  });
}
