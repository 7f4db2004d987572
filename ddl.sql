create schema app authorization app; set role app; 
create type app.mood as enum ('a','b');
create table app.t1(id int primary key, x text, m app.mood); create index t1_x on app.t1(x); insert into app.t1 select g, 'x'||g, 'a' from generate_series(1,500) g;
create table app.t2(id int constraint t2_pk primary key, t1 int references app.t1, y text, constraint t2_y unique(y)); create index t2_t1 on app.t2(t1); insert into app.t2 select g, g, 'y'||g from generate_series(1,500) g;
create table app.p(id int, at date, primary key(id, at)) partition by range(at); create table app.p1 partition of app.p for values from ('2026-01-01') to ('2026-02-01'); create index p_at on app.p(at);
insert into app.p select g, '2026-01-01'::date + g%30 from generate_series(1,500) g;
create materialized view app.mv as select count(*) as n from app.t1; create unique index mv_n on app.mv(n);
create sequence app.s; create view app.v as select * from app.t1;
create function app.f(int) returns int language sql immutable as 'select $1+1';
