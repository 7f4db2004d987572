-- A million people with ten columns to mask, and tenants of whom a condition leaves half. psql variable: scale.
create table people (
  id bigint primary key, email text not null, phone text not null, first_name text not null, full_name text not null,
  address text not null, iban text not null, notes text not null, born date not null, seen timestamptz not null, ref uuid not null);
insert into people
  select g, 'person' || g || '@corp.example', '+49 30 ' || 100000 + g, 'First' || g % 1000, 'First' || g % 1000 || ' Last' || g % 5000,
         'Street ' || g % 999, 'DE89' || 370400440532013000 + g, 'a remark of middling length about somebody, number ' || g,
         date '1970-01-05' + (g % 10000)::int, timestamptz '2026-01-01 00:00Z' + g * interval '1 minute', md5(g::text)::uuid
    from generate_series(1, (1000000 * :scale)::bigint) as g;

create table tenants (id int primary key, is_test boolean not null);
create table orders (id bigint primary key, tenant int not null references tenants, note text not null);
create table lines (id bigint primary key, order_id bigint not null references orders, text text not null);
insert into tenants select g, g % 2 = 0 from generate_series(1, 1000) as g;
insert into orders select g, 1 + g % 1000, repeat('an order of some words, ', 4) from generate_series(1, (500000 * :scale)::bigint) as g;
insert into lines select g, 1 + (g * 7919) % (500000 * :scale)::bigint, repeat('a line of an order, ', 6) from generate_series(1, (1500000 * :scale)::bigint) as g;

-- What a condition on the tenants leaves: a plain copy of the same rows is measured with these.
create table kept_tenants as select * from tenants where not is_test;
create table kept_orders as select o.* from orders as o join kept_tenants as t on t.id = o.tenant;
create table kept_lines as select l.* from lines as l join kept_orders as o on o.id = l.order_id;
