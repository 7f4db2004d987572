import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { expectRun } from '../support/engine.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { as, makeScenario } from '../support/scenario.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

interface Application {
  readonly production: string;
  readonly staging: string;
  /** Queries on staging that have to give true. */
  readonly afterwards: readonly string[];
}

/** Small schemas as these frameworks make them. */
const applications: Record<string, Application> = {
  django: {
    production: `
      create table django_session (session_key varchar(40) primary key, session_data text not null, expire_date timestamptz not null);
      create table auth_user (id serial primary key, password varchar(128) not null, last_login timestamptz, is_superuser boolean not null,
        username varchar(150) not null unique, first_name varchar(150) not null, last_name varchar(150) not null, email varchar(254) not null,
        is_staff boolean not null, is_active boolean not null, date_joined timestamptz not null);
      create table django_admin_log (id serial primary key, user_id int not null references auth_user, object_repr varchar(200) not null);
      create table authtoken_token (key varchar(40) primary key, user_id int not null unique references auth_user);
      create table django_migrations (id bigserial primary key, app varchar(255) not null, name varchar(255) not null, applied timestamptz not null);
      create table django_site (id serial primary key, domain varchar(100) not null unique, name varchar(50) not null);
      create table django_celery_beat_periodictask (id serial primary key, name varchar(200) not null unique, enabled boolean not null);
      insert into auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
        select 'pbkdf2_clear', false, 'clear' || g, 'Clearfirst', 'Clearlast', 'clear' || g || '@corp.test', false, true, now() from generate_series(1, 40) g;
      insert into django_session values ('clearsession', 'clear', now()); insert into authtoken_token values ('cleartoken', 1);
      insert into django_admin_log (user_id, object_repr) values (1, 'clear'); insert into django_migrations (app, name, applied) values ('auth', '0001', now());
      insert into django_site (domain, name) values ('corp.test', 'corp'); insert into django_celery_beat_periodictask (name, enabled) values ('send bills', true);`,
    staging: `create table auth_user (id serial primary key, username varchar(150) not null unique, password varchar(128) not null, is_superuser boolean not null,
        first_name varchar(150) not null, last_name varchar(150) not null, email varchar(254) not null, is_staff boolean not null, is_active boolean not null, date_joined timestamptz not null);
      insert into auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined)
        values (900, 'staging-admin', 'ours', true, 'A', 'B', 'a@staging.test', true, true, now());`,
    afterwards: [
      `select count(*) = 40 and bool_and(password = '!' and email like '%@example.com') from auth_user where id < 900`,
      `select password = 'ours' from auth_user where username = 'staging-admin'`,
      'select count(*) = 1 from django_migrations',
      `select domain = 'staging.example.com' from django_site`,
      'select not enabled from django_celery_beat_periodictask',
      'select not exists (select from authtoken_token) and not exists (select from django_admin_log)',
    ],
  },
  rails: {
    production: `
      create table users (id bigserial primary key, name varchar, email varchar not null default '' unique, encrypted_password varchar not null default '',
        reset_password_token varchar unique, current_sign_in_ip varchar, last_sign_in_ip varchar, created_at timestamp not null default now());
      create table sessions (id bigserial primary key, session_id varchar not null unique, data text);
      create table schema_migrations (version varchar primary key);
      create table delayed_jobs (id bigserial primary key, handler text not null);
      create table good_jobs (id uuid primary key default gen_random_uuid(), serialized_params jsonb);
      create table active_storage_blobs (id bigserial primary key, key varchar not null unique, filename varchar not null, service_name varchar not null);
      create table active_storage_attachments (id bigserial primary key, blob_id bigint not null references active_storage_blobs);
      insert into users (name, email, encrypted_password, reset_password_token, current_sign_in_ip)
        select 'Clear Name', 'clear' || g || '@corp.test', '$2a$clear', 'clear' || g, '10.1.1.' || g from generate_series(1, 40) g;
      insert into sessions (session_id, data) values ('clear', 'clear'); insert into schema_migrations values ('20260101');
      insert into delayed_jobs (handler) values ('send clear'); insert into good_jobs (serialized_params) values ('{"to": "clear"}');
      insert into active_storage_blobs (key, filename, service_name) values ('clear', 'clear.pdf', 'amazon'); insert into active_storage_attachments (blob_id) values (1);`,
    staging: `create table users (id bigserial primary key, email varchar not null default '' unique, encrypted_password varchar not null default '');
      insert into users values (900, 'qa@staging.test', 'ours');`,
    afterwards: [
      `select count(*) = 40 and bool_and(encrypted_password = '!' and email like '%@example.com' and reset_password_token is null and current_sign_in_ip like '198.1%') from users where id < 900`,
      `select encrypted_password = 'ours' from users where id = 900`,
      'select not exists (select from delayed_jobs) and not exists (select from good_jobs) and not exists (select from active_storage_blobs)',
      'select count(*) = 1 from schema_migrations',
    ],
  },
  laravel: {
    production: `
      create table users (id bigserial primary key, name varchar(255) not null, email varchar(255) not null unique, email_verified_at timestamp,
        password varchar(255) not null, remember_token varchar(100));
      create table sessions (id varchar(255) primary key, user_id bigint, ip_address varchar(45), user_agent text, payload text not null, last_activity int not null);
      create table personal_access_tokens (id bigserial primary key, tokenable_id bigint not null, name varchar(255) not null, token varchar(64) not null unique);
      create table password_reset_tokens (email varchar(255) primary key, token varchar(255) not null);
      create table jobs (id bigserial primary key, queue varchar(255) not null, payload text not null);
      create table failed_jobs (id bigserial primary key, payload text not null);
      create table migrations (id serial primary key, migration varchar(255) not null, batch int not null);
      insert into users (name, email, password, remember_token) select 'Clear Name', 'clear' || g || '@corp.test', '$2y$clear', 'clear' from generate_series(1, 40) g;
      insert into sessions values ('clear', 1, '10.1.1.1', 'clear', 'clear', 1); insert into personal_access_tokens (tokenable_id, name, token) values (1, 'n', 'clear');
      insert into password_reset_tokens values ('clear1@corp.test', 'clear'); insert into jobs (queue, payload) values ('mail', 'clear');
      insert into failed_jobs (payload) values ('clear'); insert into migrations (migration, batch) values ('create_users', 1);`,
    staging: `create table users (id bigserial primary key, name varchar(255) not null, email varchar(255) not null unique, password varchar(255) not null);
      insert into users values (900, 'QA', 'qa@staging.test', 'ours');`,
    afterwards: [
      `select count(*) = 40 and bool_and(password = '!' and email like '%@example.com' and remember_token is null) from users where id < 900`,
      `select password = 'ours' from users where id = 900`,
      'select not exists (select from jobs) and not exists (select from failed_jobs) and not exists (select from personal_access_tokens)',
      'select count(*) = 1 from migrations',
    ],
  },
};

for (const [name, { production, staging, afterwards }] of Object.entries(applications)) {
  test(`the starting policy for ${name} on a schema like its own: nothing clear arrives, testers keep their accounts`, async () => {
    await using scenario = await makeScenario(production);
    await as('app', scenario.staging, (session) => session.query(`drop table old_staging; ${staging}`));
    const text = await read(`docs/policies/${name}.yaml`);
    // The files lie where the policy says, as they do for somebody who has copied both.
    const { 'before-publish': before } = parse(text) as { 'before-publish': { sql: string[] } };
    const files = await Promise.all(before.sql.map(async (path) => [path, await read(path)] as const));
    const flags = await policyFlags(text, Object.fromEntries(files));
    await expectRun({ ...scenario.environment, REFRESH_MASK_KEY: maskKey }, flags);
    await as('postgres', scenario.staging, async (session) => {
      for (const query of afterwards) {
        const { rows } = await session.query<Record<string, unknown>>(query);
        assert.deepEqual(Object.values(rows[0] ?? {}), [true], query);
      }
      const { rows } = await session.query<{ clear: string }>(
        `select query_to_xml(format('select * from %I.%I', schemaname, tablename), true, false, '')::text as clear from pg_tables where schemaname = 'public'`,
      );
      assert.doesNotMatch(rows.map(({ clear }) => clear).join(''), /clear/i);
    });
  });
}
