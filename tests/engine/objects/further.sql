-- More of what the owner of a database can make: what everything.sql has, once more and worse. Loaded after it.

-- types: an enum whose values came later, domains on domains and arrays, a check that is not validated
alter type app.mood add value 'meh' before 'ok';
create domain app.percent as app.positive check (value <= 100);
create domain app.few as int[] check (array_length(value, 1) < 4);
alter domain app.positive add constraint never_checked check (value <> 13) not valid;
comment on constraint never_checked on domain app.positive is 'not valid';
create type app.timerange as range (subtype = time, multirange_type_name = app.timeranges);
create type app."of rows" as (one app.one_row, many app.one_row[]);
comment on type app."of rows" is 'has a table''s row type'; comment on column app.pair.b is 'of a composite';
create table app.nested (id int primary key, p app.percent, f app.few, t app.timerange, ts app.timeranges, o app."of rows");
insert into app.nested values (1, 12, '{1,2}', '[08:00,09:30)', '{[01:00,02:00),[03:00,04:00)}', row(row(1, 'a,"b'), array[row(2, null), row(null, '\.')]::app.one_row[])), (2, null, '{}', 'empty', '{}', null);

-- routines: overloaded, of one name, of every property; bodies that psql could take for its own commands
create function app.over(int) returns text language sql as $$ select 'int' $$;
create function app.over(text) returns text language sql as $$ select 'text' $$;
create function app.over(variadic text[]) returns text language sql as $$ select 'texts' $$;
set check_function_bodies = off;
create function app.hostile() returns text language plpgsql cost 7 security definer set search_path = app, pg_temp set work_mem = '1MB' parallel restricted as $f$
\.
\connect postgres
\! echo hostile
--
-- Name: x; Type: TABLE; Schema: public; Owner: app
--
$f$;
reset check_function_bodies;
create aggregate app.moving(numeric) (sfunc = numeric_add, stype = numeric, initcond = '0', msfunc = numeric_add, minvfunc = numeric_sub, mstype = numeric, minitcond = '0', parallel = safe);
comment on function app.over(text) is E'\\. and \n\\! echo hostile'; comment on procedure app.nothing(int) is 'p'; comment on aggregate app.anything(*) is 'a';
comment on operator app.===(app.pair, app.pair) is 'o'; comment on cast (app.pair as text) is 'c'; comment on collation app.german is 'c';

-- sequences
create table app.owner_of (id int, n bigint default nextval('app.cached'));
create sequence app.owned_later start 3 increment 2; alter sequence app.owned_later owned by app.owner_of.id; select nextval('app.owned_later');
create sequence app.largest minvalue 9223372036854775806 maxvalue 9223372036854775807; select nextval('app.largest'), nextval('app.largest');
alter table app.identities alter column always set increment by 7 set cycle restart with 900;

-- tables: two parents, row types, all storages, names that some layer may take for syntax, 63 bytes everywhere
create table app.mother (id int, m text); create table app.father (id int, f text not null);
create table app.of_two (own int) inherits (app.mother, app.father); insert into app.of_two values (1, 'm', 'f', 2);
alter table app.of_two alter column id set default 5, add constraint own_check check (own > 0);
create table app.rows_of_rows (r app.one_row, rs app.parent[]); insert into app.rows_of_rows values (row(1, 'x'), array[row(1, 'y')::app.parent]);
create table app.storages (a text storage main, b text storage plain, c text storage external, d bytea compression pglz);
insert into app.storages values (repeat('m', 9000), 'p', repeat('e', 9000), decode(repeat('ab', 9000), 'hex'));
create table app.wide as select i, repeat(chr(1 + i % 127), i * 37) as filler from generate_series(1, 300) i;
create table app.huge (id int primary key, v text); insert into app.huge select i, repeat(md5(i::text), 640 * 1024) from generate_series(1, 2) i;
create table app."back\slash %s {} $$ -- ;" ("a\.b" int primary key, "%I" text, "--" int, "/*" int);
insert into app."back\slash %s {} $$ -- ;" values (1, '$$;', 2, 3);
create index "in\dex $x$" on app."back\slash %s {} $$ -- ;" ("%I"); comment on index app."in\dex $x$" is '$refresh$ \.';
create schema s23456789012345678901234567890123456789012345678901234567890123;
create table s23456789012345678901234567890123456789012345678901234567890123.t23456789012345678901234567890123456789012345678901234567890123 (id int constraint k23456789012345678901234567890123456789012345678901234567890123 primary key, u int constraint u23456789012345678901234567890123456789012345678901234567890123 unique);
insert into s23456789012345678901234567890123456789012345678901234567890123.t23456789012345678901234567890123456789012345678901234567890123 values (1, 1);

-- partitions: none at all, a default alone, an unlogged one, own defaults, indexes with other names, keys between trees
create table app.no_partitions (id int, at date) partition by range (at); create index on app.no_partitions (id);
create table app.default_only (id int) partition by list (id); create unlogged table app.default_only_d partition of app.default_only default; insert into app.default_only values (1), (null);
create table app.tree (id int, up int, k int default 1, primary key (id, k), foreign key (up, k) references app.tree) partition by list (k);
create table app.tree_1 partition of app.tree (k default 7) for values in (1); create table app.tree_2 partition of app.tree for values in (2, 3) partition by range (id);
create table app.tree_2_low partition of app.tree_2 for values from (minvalue) to (50); create table app.tree_2_high partition of app.tree_2 for values from (50) to (maxvalue);
insert into app.tree select i, null, 1 + i % 3 from generate_series(1, 100) i; update app.tree set up = id;
create index tree_up on only app.tree (up); create index other_name_1 on app.tree_1 (up); alter index app.tree_up attach partition app.other_name_1;
create table app.leaves (shard int, k int, foreign key (shard, k) references app.shards on delete cascade deferrable) partition by list (k);
create table app.leaves_1 partition of app.leaves for values in (1); create table app.leaves_2 partition of app.leaves for values in (2);
insert into app.leaves select id, k from app.shards;
create statistics app.tree_statistics (dependencies) on id, up from app.tree;

-- indexes and keys: a key to a unique index that is no constraint, options of constraints' indexes, deferrable primary key
create table app.to_index (id int, n int); create unique index to_index_id on app.to_index (id); insert into app.to_index values (1, 1), (2, 2);
create table app.refers_to_index (id int references app.to_index (id)); insert into app.refers_to_index values (2);
create table app.with_options (id int, a int, b int, constraint with_options_key primary key (id) with (fillfactor = 40), constraint with_options_a unique (a) include (b) with (fillfactor = 60));
create table app.late_key (id int primary key deferrable initially deferred, r int4range, exclude using gist (r with &&) deferrable); insert into app.late_key select i, int4range(i, i + 1) from generate_series(1, 20) i;
alter table app.late_key cluster on late_key_pkey; alter table app.with_options replica identity using index with_options_key;
create index m1_n on app.m1 (n); alter materialized view app.m1 cluster on m1_n; alter materialized view app.m1 alter column n set statistics 33;

-- views: INSTEAD OF triggers, rules with several commands, one that uses a row type
create view app.updatable as select id, t from app.ruled;
create trigger instead instead of insert or update or delete on app.updatable for each row execute function app.touch();
create view app.whole_row as select o, (o).t from app.one_row o;
create rule several as on insert to app.v3 do instead (insert into app.ruled values (1, 'one'); notify hostile; update app.ruled set t = 'two' where id = 1);
create view app.by_expression as select a, count(*) filter (where d > '2026-02-01') over (partition by a order by d rows between 2 preceding and current row exclude ties) from app.indexed tablesample system (100) where (a, id) in (select 1, 2 union all table app.composite_ref);
comment on rule log_it on app.ruled is 'rule'; comment on policy see_own on app.secured is 'policy';
create policy of_functions on app.secured for update using (app.is_nice(owner)) with check (id in (select a from app.composite_ref));
