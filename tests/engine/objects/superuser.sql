-- What only a superuser can make; the owner of the database uses it.
create extension hstore; create extension pg_trgm schema app; create extension btree_gist; create extension ltree;
create extension postgres_fdw; create extension dblink; create extension file_fdw;
create server elsewhere foreign data wrapper postgres_fdw options (host 'elsewhere.example', dbname 'd');
alter server elsewhere owner to app;
create user mapping for app server elsewhere options (user 'u', password 'clear text');
create foreign table app.remote (id int, t text) server elsewhere options (schema_name 's', table_name 't');
alter foreign table app.remote owner to app;
create function app.on_ddl() returns event_trigger language plpgsql as $$ begin end $$;
alter function app.on_ddl() owner to app;
create event trigger watch_ddl on ddl_command_end execute function app.on_ddl();
create foreign data wrapper own_wrapper options (debug 'true');
create publication everything_pub for all tables;
create publication schema_pub for tables in schema app;
create operator family app.fam using btree; alter operator family app.fam using btree owner to app;
create operator class app.int_desc for type int using btree family app.fam as operator 1 > , operator 2 >=, operator 3 =, operator 4 <=, operator 5 <, function 1 btint4cmp(int, int);
alter operator class app.int_desc using btree owner to app;
create access method own_heap type table handler heap_tableam_handler;
create table app.uses_hstore (id int primary key, h hstore, l ltree); alter table app.uses_hstore owner to app;
insert into app.uses_hstore values (1, 'a=>1, "b\"c"=>NULL', 'Top.Science');
create index on app.uses_hstore using gist (l); create index on app.uses_hstore using gin (h);
create index on app.texts using gin (t app.gin_trgm_ops);
do $$
begin
  execute format('alter database %I set statement_timeout = %L', current_database(), '37s');
  execute format('alter database %I set default_transaction_read_only = on', current_database());
  execute format('alter database %I set search_path = app, public', current_database());
  execute format('alter role app in database %I set work_mem = %L', current_database(), '5MB');
  execute format('comment on database %I is %L', current_database(), 'a comment of production');
end $$;
