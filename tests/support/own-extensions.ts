import type { ExtensionFiles } from './own-install.ts';

/**
 * Rows of its own beside its users', keys to itself and to its own rows, a sequence; and a table that is no configuration.
 * A managed server makes it for its administrator, as it does PostGIS: its tables are the server's superuser's.
 */
export const configured: ExtensionFiles = {
  name: 'configured',
  control: `default_version = '1.0'\nrelocatable = false\nschema = conf\ntrusted = true\n`,
  script: `
    grant usage on schema conf to public;
    create table conf.kind (name text primary key, builtin boolean not null default false);
    insert into conf.kind values ('first', true), ('second', true);
    create table conf.a_setting (id integer primary key, kind text not null references conf.kind, next integer references conf.a_setting);
    create table conf.cache (id integer);
    insert into conf.cache values (1);
    create sequence conf.numbers;
    create index on conf.a_setting (kind);
    grant select on all tables in schema conf to public;
    select pg_catalog.pg_extension_config_dump('conf.kind', 'WHERE NOT builtin');
    select pg_catalog.pg_extension_config_dump('conf.a_setting', '');
    select pg_catalog.pg_extension_config_dump('conf.numbers', '');`,
};

/** As much of the real one as a refresh sees. */
export const cron: ExtensionFiles = {
  name: 'pg_cron',
  control: `default_version = '1.0'\nrelocatable = false\nschema = pg_catalog\ntrusted = true\n`,
  script: `
    create schema cron;
    create table cron.job (jobid bigserial primary key, command text not null, active boolean not null default true);
    grant usage on schema cron to public; grant select on cron.job to public;
    select pg_catalog.pg_extension_config_dump('cron.job', '');
    select pg_catalog.pg_extension_config_dump('cron.job_jobid_seq', '');`,
};

/** Only a superuser may create it. */
export const closed: ExtensionFiles = {
  name: 'closed',
  control: `default_version = '1.0'\nrelocatable = true\n`,
  script: `
    create table closed_rows (id serial primary key);
    select pg_catalog.pg_extension_config_dump('closed_rows', '');
    select pg_catalog.pg_extension_config_dump('closed_rows_id_seq', '');`,
};

export const timescale: ExtensionFiles = {
  name: 'timescaledb',
  control: `default_version = '1.0'\nrelocatable = false\n`,
  script: `
    create schema _timescaledb_catalog;
    create table _timescaledb_catalog.hypertable (schema_name name, table_name name);
    create table _timescaledb_catalog.metadata (key name primary key);
    insert into _timescaledb_catalog.metadata values ('exported_uuid');
    select pg_catalog.pg_extension_config_dump('_timescaledb_catalog.hypertable', '');
    select pg_catalog.pg_extension_config_dump('_timescaledb_catalog.metadata', '');`,
};
