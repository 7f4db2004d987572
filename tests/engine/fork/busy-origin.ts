import { createDatabase } from '../../../scripts/local/roles.ts';
import { superuser, withSession } from '../../../scripts/local/session.ts';
import { database, type Origin, startOrigin } from '../../support/fork.ts';
import { servers } from '../../support/servers.ts';

/** Masking `slow` takes as long as somebody asks for it. */
const sql = `
  create function in_good_time() returns boolean language plpgsql as $$
    begin
      if to_regnamespace('staging_refresh_fork') is not null
         and exists (select from pg_catalog.pg_stat_activity where application_name = 'slowly, please')
      then perform pg_sleep(0.05); end if;
      return true;
    end $$;
  create table quick (id int primary key, email text);
  create table slow (id int primary key, email text, check (in_good_time()));
  insert into quick select g, 'KLARTEXT' || g || '@example.com' from generate_series(1, 5000) g;
  insert into slow select g, 'KLARTEXT' || g || '@example.com' from generate_series(1, 2000) g;
  create table traces (id int primary key, who text);
  insert into traces select g, 'trace ' || g % 5 from generate_series(1, 500) g;
  create materialized view tracks as select who from traces;
  create extension postgres_fdw;
  analyze;`;

/** A production in which much acts by itself: subscriptions, jobs, triggers, a transaction in doubt, other servers. */
export async function startBusyOrigin(): Promise<Origin> {
  const origin = await startOrigin(sql.replace('  create extension postgres_fdw;\n', ''));
  const { server } = origin;
  await createDatabase(server, 'another', 'app');
  await withSession(server, superuser(server), 'another', (session) =>
    session.query(`create table clear as select 'KLARTEXT' as value`),
  );
  await withSession(server, superuser(server), 'defaultdb', (session) =>
    session.query(`create table clear as select 'KLARTEXT' as value`),
  );
  await withSession(server, superuser(server), database, async (session) => {
    await session.query(`
      create extension postgres_fdw;
      create server elsewhere foreign data wrapper postgres_fdw options (host 'production.example');
      alter server elsewhere owner to app;
      create user mapping for app server elsewhere options (user 'app', password 'of production');
      create user mapping for public server elsewhere options (user 'x', password 'y');
      create subscription intake connection 'host=nowhere.example dbname=x' publication p with (connect = false, slot_name = 'production_slot');
      alter subscription intake owner to app;
      create function noticed() returns event_trigger language plpgsql as 'begin end';
      create event trigger notices on ddl_command_start execute function noticed();
      create schema cron;
      create table cron.job (jobid int primary key, command text, active boolean);
      alter schema cron owner to app; alter table cron.job owner to app;
      insert into cron.job values (1, 'select dangerous()', true);`);
  });
  const { app } = await servers();
  await withSession(server, app, database, async (session) => {
    await session.query('begin');
    await session.query(`insert into quick values (100000, 'KLARTEXT in doubt')`);
    await session.query(`prepare transaction 'in doubt'`);
  });
  return origin;
}
