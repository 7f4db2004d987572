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
create table app.of_own_method (id int primary key, t text) using own_heap; alter table app.of_own_method owner to app;
insert into app.of_own_method select i, 't' || i from generate_series(1, 100) i;
create type app.base; create type app.only_a_shell; alter type app.only_a_shell owner to app;
create function app.base_in(cstring) returns app.base immutable strict language internal as 'textin';
create function app.base_out(app.base) returns cstring immutable strict language internal as 'textout';
create type app.base (input = app.base_in, output = app.base_out, like = text, category = 'S', default = 'none', collatable = true);
create cast (app.base as text) without function as implicit;
create table app.uses_base (id int primary key, b app.base, bs app.base[]); insert into app.uses_base values (1, E'tab\t\\.', '{"a,b",NULL}'), (2, default, null);
create aggregate app.hypothetical(variadic "any" order by variadic "any") (sfunc = ordered_set_transition_multi, stype = internal, finalfunc = rank_final, finalfunc_extra, hypothetical);
create text search template app.template (lexize = dsimple_lexize, init = dsimple_init);
create text search parser app.parser (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype, headline = prsd_headline);
create function app.own_handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create language own_language handler app.own_handler;
create function app.in_own_language() returns int language own_language as 'begin return 1; end';
create transform for int language own_language (from sql with function prsd_lextype(internal), to sql with function int4recv(internal));
create subscription never_active connection 'host=elsewhere.example password=''clear text''' publication p with (connect = false, slot_name = none);
-- what ANALYZE and REFRESH would have to ask another server for
create table app.with_archive (id int, t text) partition by range (id);
create table app.with_archive_now partition of app.with_archive for values from (10) to (20); insert into app.with_archive values (11, 'here');
create foreign table app.with_archive_old partition of app.with_archive for values from (0) to (10) server elsewhere;
create table app.with_child (id int); insert into app.with_child values (1); create foreign table app.child_elsewhere () inherits (app.with_child) server elsewhere;
create materialized view app.seen_elsewhere as select * from app.remote with no data; update pg_class set relispopulated = true where oid = 'app.seen_elsewhere'::regclass;
create materialized view app.seen_through as select count(*) from app.seen_elsewhere with no data; update pg_class set relispopulated = true where oid = 'app.seen_through'::regclass;
-- what one role has granted of another's
create table app.granted_on (id int, t text); grant select, update (t) on app.granted_on to doadmin with grant option;
grant usage on schema app to doadmin; set session authorization doadmin; grant select, update (t) on app.granted_on to app; reset session authorization;
-- event triggers that refuse what is done last of all, or keep a record of it
create table app.ddl_log (tag text); create function app.log_ddl() returns event_trigger language plpgsql as $$ begin insert into app.ddl_log values (tg_tag); end $$;
create function app.refuse_ddl() returns event_trigger language plpgsql as $$ begin raise exception 'no %', tg_tag; end $$;
create event trigger log_ddl on ddl_command_end execute function app.log_ddl(); alter event trigger log_ddl enable always;
create event trigger a_refusal on ddl_command_start when tag in ('REFRESH MATERIALIZED VIEW', 'ALTER TABLE', 'GRANT', 'CREATE INDEX', 'DROP TABLE') execute function app.refuse_ddl();
create event trigger at_login on login execute function app.on_ddl(); comment on event trigger at_login is 'login';
do $$
begin
  execute format('alter database %I set statement_timeout = %L', current_database(), '37s');
  execute format('alter database %I set default_transaction_read_only = on', current_database());
  execute format('alter database %I set search_path = app, public', current_database());
  execute format('alter database %I set array_nulls = off', current_database());
  execute format('alter database %I set xmloption = document', current_database());
  execute format('alter role app in database %I set work_mem = %L', current_database(), '5MB');
  execute format('comment on database %I is %L', current_database(), 'a comment of production');
end $$;

-- As servers of November 2026 mark columns; one is also the user's (see servers-own-options.ts).
update pg_catalog.pg_attribute set attoptions = attoptions || '{pg_attver=26763704}'
 where attrelid in ('app.texts'::regclass, 'aa.leaf'::regclass, 'app.indexed'::regclass) and attnum > 0;
