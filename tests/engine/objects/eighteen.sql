-- What PostgreSQL 18 added, for a production of 18 (tests/engine/versions.test.ts). Run as the owner, after everything.sql.
create schema v18;
-- generated columns that are computed when they are read
create table v18.virtual (a int, b int generated always as (a * 2) virtual, c text generated always as ('v' || a) virtual not null, d int default 5, e int generated always as (a + 1) stored);
alter table v18.virtual add check (b < 1000);
insert into v18.virtual (a) select generate_series(1, 200);
create table v18.virtual_parts (k int, a int, b int generated always as (a * 3) virtual) partition by list (k);
create table v18.virtual_parts_1 partition of v18.virtual_parts for values in (1); create table v18.virtual_parts_2 partition of v18.virtual_parts for values in (2);
insert into v18.virtual_parts (k, a) select 1 + i % 2, i from generate_series(1, 50) i;
create view v18.of_virtual as select a, b, c from v18.virtual;
create table v18.only_virtual (x int generated always as (42) virtual); insert into v18.only_virtual default values;
-- keys over time
create table v18.prices (product int4range, at daterange, price numeric, constraint prices_key primary key (product, at without overlaps), unique (at, product without overlaps) deferrable);
insert into v18.prices select int4range(i, i + 1), daterange('2026-01-01'::date + j * 10, '2026-01-01'::date + j * 10 + 10), i + j from generate_series(1, 20) i, generate_series(0, 4) j;
create table v18.orders (id int primary key, product int4range, during daterange, foreign key (product, period during) references v18.prices (product, period at));
insert into v18.orders select i, int4range(1 + i % 20, 2 + i % 20), '[2026-01-05,2026-01-25)' from generate_series(1, 100) i;
create table v18.old_orders (product int4range, during daterange); insert into v18.old_orders values ('[99,100)', '[1999-01-01,2000-01-01)');
alter table v18.old_orders add constraint never_checked foreign key (product, period during) references v18.prices (product, period at) not valid;
-- constraints that nobody enforces
create table v18.target (id int primary key); insert into v18.target values (1);
create table v18.unenforced (id int, target int constraint broken references v18.target not enforced, n int constraint below check (n < 10) not enforced); insert into v18.unenforced values (1, 999, 999);
comment on constraint broken on v18.unenforced is 'nobody looks';
create table v18.changed (target int references v18.target); insert into v18.changed values (1); alter table v18.changed alter constraint changed_target_fkey not enforced;
create table v18.unenforced_parts (k int, target int) partition by list (k); create table v18.unenforced_parts_1 partition of v18.unenforced_parts for values in (1);
alter table v18.unenforced_parts add constraint loose foreign key (target) references v18.target not enforced; insert into v18.unenforced_parts values (1, 77);
-- keys of partitioned tables that are not validated
create table v18.late_parts (k int, target int) partition by list (k); create table v18.late_parts_1 partition of v18.late_parts for values in (1); insert into v18.late_parts values (1, 88);
alter table v18.late_parts add constraint unchecked foreign key (target) references v18.target not valid;
-- NOT NULL by name, not inherited, not validated
create table v18.not_null (a int constraint a_is_there not null, b int constraint b_is_there not null no inherit, c int, d int not null); insert into v18.not_null values (1, 2, null, 4);
create table v18.not_null_child (more int) inherits (v18.not_null); insert into v18.not_null_child values (1, null, null, 4, 5);
alter table v18.not_null add constraint c_some_day not null c not valid; comment on constraint c_some_day on v18.not_null is 'some day';
create table v18.not_null_parts (k int, a int) partition by list (k); create table v18.not_null_parts_1 partition of v18.not_null_parts (constraint own_name not null a) for values in (1); alter table v18.not_null_parts add constraint of_all not null a;
-- the rest
create collation v18.fast (provider = builtin, locale = 'PG_UNICODE_FAST'); create table v18.folded (t text collate v18.fast); insert into v18.folded values ('Straße'); create index on v18.folded (casefold(t));
create table v18.sevens (id uuid primary key default uuidv7(), v int); insert into v18.sevens (v) select generate_series(1, 20);
create publication v18_generated for table v18.virtual (a, e) with (publish_generated_columns = stored);
alter default privileges in schema v18 grant maintain on tables to public; alter default privileges grant select on large objects to public;
create function v18.array_work(int[]) returns int[] immutable begin atomic select array_sort($1); end;
