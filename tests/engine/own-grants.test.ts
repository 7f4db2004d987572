import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { expectRun } from '../support/engine.ts';
import { column } from '../support/policy.ts';
import { as, makeScenario } from '../support/scenario.ts';

/** What a role has, and what it has by default of what comes. */
const privileges = `
  with acls (object, acl) as (
    select oid::regclass::text, relacl from pg_class
    union all select attrelid::regclass || '.' || attname, attacl from pg_attribute
    union all select nspname::text, nspacl from pg_namespace
    union all select oid::regprocedure::text, proacl from pg_proc
    union all select typname::text, typacl from pg_type
    union all select concat_ws(' ', 'default', defaclnamespace::regnamespace, defaclobjtype), defaclacl from pg_default_acl)
  select concat_ws(' ', object, privilege_type, nullif(is_grantable, false)) from acls, aclexplode(acl)
   where grantee = (select oid from pg_roles where rolname = 'ROLE') order by 1`;

test('roles of staging’s own keep what they were granted; whom production knows has what production says', async () => {
  const [qa, known] = [`QA "${randomBytes(4).toString('hex')}`, `known_${randomBytes(4).toString('hex')}`];
  await using scenario = await makeScenario(`
    create schema app; create table app.orders (id integer, total numeric); create table app.new_there (id integer); create view app.view_there as select 1;
    create sequence app.numbers; create sequence app.other_numbers; create type app.mood as enum ('fine');
    create function app.add(a integer, b text default '') returns integer language sql as 'select 1';`);
  const { production, staging, environment } = scenario;
  const of = (role: string) => column(staging, privileges.replace('ROLE', role));
  const role = `"${qa.replace('"', '""')}"`;
  await as('postgres', staging, (session) => session.query(`create role ${role}; create role ${known}`));
  await as('postgres', production, (session) => session.query(`create role ${known}`));
  try {
    await as('app', production, (session) => session.query(`grant usage on schema app to ${known}`));
    await as('app', staging, (session) =>
      session.query(`
        create schema app; create table app.orders (id integer, total numeric, gone integer); create table gone (id integer);
        create sequence app.numbers; create type app.mood as enum ('fine');
        create function app.add(a integer, b text) returns integer language sql as 'select 1';
        grant usage on schema app to ${role}; grant select on app.orders to ${role} with grant option;
        grant update (total), references (gone) on app.orders to ${role}; grant select on gone to ${role};
        grant usage on sequence app.numbers to ${role}; grant usage on type app.mood to ${role};
        grant execute on function app.add to ${role};
        alter default privileges in schema app grant select on tables to ${role};
        alter default privileges grant execute on functions to ${role};
        grant select on app.orders to ${known}`),
    );
    const expected = [
      'app USAGE',
      'app.add(integer,text) EXECUTE',
      // Of all tables of that schema, and of its only sequence.
      'app.new_there SELECT',
      'app.numbers USAGE',
      'app.orders SELECT t',
      'app.orders.total UPDATE',
      'app.view_there SELECT',
      'default - f EXECUTE',
      'default app r SELECT',
      'mood USAGE',
    ];
    for (const strategy of ['swap', 'in-place']) {
      const { report } = await expectRun(environment, ['--no-artifact', '--strategy', strategy]);
      assert.deepEqual(await of(qa), expected, strategy);
      assert.deepEqual(await of(known), ['app USAGE'], strategy);
      assert.deepEqual(report.leftOut, []);
      assert.deepEqual(
        report.warnings.filter((warning) => !warning.startsWith('skipped')),
        // The second one finds what the first one has left.
        strategy === 'swap'
          ? ['only the staging before this one has: 2 tables (app.gone, public.old_staging)']
          : [
              'in place: from now on until the end nobody else can use staging’s tables, and there is no rollback afterwards',
            ],
      );
    }
  } finally {
    await scenario[Symbol.asyncDispose]();
    await as('postgres', { ...staging, name: 'postgres' }, (session) =>
      session.query(`drop role ${role}; drop role ${known}`),
    );
    await as('postgres', { ...production, name: 'postgres' }, (session) =>
      session.query(`drop role ${known}`),
    );
  }
});
