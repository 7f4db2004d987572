import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { as } from '../support/scenario.ts';
import { dropDatabase, freshDatabase, servers } from '../support/servers.ts';

const sql = (name: string) => readFile(new URL(`../../sql/${name}`, import.meta.url), 'utf8');

/** What acts on the real world, as a fork or a dump of a superuser's brings it along. */
const acting = `
  create schema cron; create table cron.job (jobid bigserial primary key, schedule text, command text, database text);
  insert into cron.job (schedule, command, database) values ('* * * * *', 'select bill()', current_database()), ('* * * * *', 'x', 'another');
  create table oban_jobs (id bigserial primary key, args jsonb); insert into oban_jobs (args) values ('{}');
  create schema private; create table private.oban_jobs as select * from oban_jobs;
  create schema pgboss; create table pgboss.job (name text, data jsonb) partition by list (name);
  create table pgboss.j1 partition of pgboss.job for values in ('mail'); insert into pgboss.job values ('mail');
  create table pgboss.schedule (name text primary key, cron text); insert into pgboss.schedule values ('mail', '* * * * *');
  create schema hdb_catalog; create table hdb_catalog.event_log (id text primary key, delivered bool);
  insert into hdb_catalog.event_log values ('e', false);
  create table job (id int); insert into job values (1);
  create view que_jobs as select 1 as id;
  create subscription of_production connection 'host=production.invalid dbname=x password=secret' publication p with (connect = false, slot_name = 'kept');
  create foreign data wrapper nowhere; create server far foreign data wrapper nowhere options (host 'production.invalid');
  create user mapping for public server far options (user 'u', password 'secret');
  create user mapping for app server far options (user 'u', password 'secret');
  create foreign table remote (id int) server far;
  create table hooks (id int primary key, webhook_url text, callback_url varchar(40) unique, homepage_url text, api_key text unique, webhook_secret varchar(16), label text);
  insert into hooks select g, 'https://partner.invalid/' || g, 'https://p.invalid/' || g, 'https://corp.test', 'live_' || g, 'whsec', 'l' from generate_series(1, 20) g;
  insert into hooks (id) values (99);
  create table keys (api_key text primary key); create table uses (id int, api_key text references keys);
  insert into keys values ('k'); insert into uses values (1, 'k');`;

test('the ready-made files: jobs, queues, subscriptions, passwords, addresses and tokens are gone, the rest stays', async () => {
  const { staging: server } = await servers();
  const database = await freshDatabase(server);
  try {
    await as('postgres', database, async (session) => {
      await session.query(acting);
      await session.query(await sql('neutralise.sql'));
      await session.query(await sql('outgoing.sql'));
      const holds = async (query: string) =>
        assert.deepEqual(
          Object.values((await session.query<Record<string, unknown>>(query)).rows[0] ?? {}),
          [true],
          query,
        );
      await holds('select array_agg(database) = array[$$another$$] from cron.job');
      for (const queue of [
        'oban_jobs',
        'private.oban_jobs',
        'pgboss.job',
        'pgboss.schedule',
        'hdb_catalog.event_log',
      ])
        await holds(`select not exists (select from ${queue})`);
      await holds('select exists (select from job)');
      await holds(
        'select not exists (select from pg_subscription join pg_database d on d.oid = subdbid where datname = current_database())',
      );
      await holds('select not exists (select from pg_user_mappings) and to_regclass($$remote$$) is not null');
      await holds(`select bool_and(webhook_url like 'https://example.invalid/%' and callback_url like 'https://example.invalid/%'
        and homepage_url = 'https://corp.test' and api_key ~ '^[0-9a-f]{64}$' and webhook_secret ~ '^[0-9a-f]{16}$' and label = 'l') from hooks where id < 99`);
      await holds('select webhook_url is null and api_key is null from hooks where id = 99');
      await holds(`select exists (select from uses join keys using (api_key) where api_key = 'k')`);
    });
  } finally {
    await dropDatabase(database);
  }
});

test('an administrator without superuser rights runs them on a database that has none of it', async () => {
  const { staging: server } = await servers();
  const database = await freshDatabase(server, { owner: 'doadmin' });
  try {
    await as('doadmin', database, async (session) => {
      for (const file of ['neutralise.sql', 'outgoing.sql', 'django.sql', 'rails.sql', 'laravel.sql'])
        await session.query(await sql(file));
    });
  } finally {
    await dropDatabase(database);
  }
});
