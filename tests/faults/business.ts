/** Rows of the largest table beside one for each generation. */
const orderCount = 12_000;

/**
 * Production: each refresh copies one generation of it, and every row says which. Five tables with keys, indexes, a
 * sequence and a view; `flags` is staging's own.
 */
export const businessSql = `
  create table generation (n integer not null);
  create table customers (id integer primary key, generation integer not null, label text not null);
  create table orders (id bigserial primary key, generation integer not null, customer integer not null references customers, note text not null);
  create index orders_customer on orders (customer);
  create index orders_note on orders (note);
  create table lines (order_id bigint not null references orders, position integer not null, generation integer not null,
    primary key (order_id, position));
  create table wide (id integer primary key, generation integer not null, filler text not null);
  create table flags (id integer primary key, note text not null);
  create view totals as select customer, count(*) from orders group by customer;
  insert into flags values (1, 'production');
  insert into generation values (0);`;

export const policyText = `version: 1
unlisted: copy
tables:
  public.flags: { treatment: preserve }
before-publish: { check: ["select count(*) = 1 from generation"] }
`;

/** Makes production the next generation, whole and at once. */
export function generationSql(n: number): string {
  return `begin;
    truncate generation, lines, orders, customers, wide;
    insert into generation values (${n});
    insert into customers select g, ${n}, 'customer ' || g from generate_series(1, 500) g;
    insert into orders (id, generation, customer, note)
      select g, ${n}, 1 + g % 500, md5((g * ${n + 1})::text) from generate_series(1, ${orderCount} + ${n}) g;
    insert into lines select id, p, ${n} from orders, generate_series(1, 2) p;
    insert into wide select g, ${n}, repeat(md5(g::text), 200) from generate_series(1, 500) g;
    commit;
    analyze generation, customers, orders, lines, wide;`;
}

/** One answer that only a whole database of one generation can give. */
export const readSql = `
  select (select n from generation) as n, count(*)::int as orders, min(generation) as least, max(generation) as most,
         (select count(*)::int from lines) as lines, (select min(generation) from wide) as wide,
         (select string_agg(note, ',') from flags) as flag
    from orders`;

export interface Read {
  readonly n: number;
  readonly orders: number;
  readonly least: number;
  readonly most: number;
  readonly lines: number;
  readonly wide: number;
  readonly flag: string;
}

/** What is wrong with an answer; undefined for one of a whole database that staging may be. */
export function flaw(read: Read, allowed: ReadonlySet<number>): string | undefined {
  const { n, orders, least, most, lines, wide, flag } = read;
  const whole = least === n && most === n && wide === n && orders === orderCount + n && lines === 2 * orders;
  return whole && flag === 'staging' && allowed.has(n) ? undefined : JSON.stringify(read);
}

/** Everything of a database but staging's own table, as one line. */
export const contentSql = `
  select concat_ws(' ',
    (select count(*) || ':' || sum(hashtextextended(t::text, 0)) from generation t),
    (select count(*) || ':' || sum(hashtextextended(t::text, 0)) from customers t),
    (select count(*) || ':' || sum(hashtextextended(t::text, 0)) from orders t),
    (select count(*) || ':' || sum(hashtextextended(t::text, 0)) from lines t),
    (select count(*) || ':' || sum(hashtextextended(t::text, 0)) from wide t),
    (select count(*) from totals),
    (select last_value || '/' || is_called from orders_id_seq),
    (select md5(string_agg(pg_get_indexdef(indexrelid), ';' order by pg_get_indexdef(indexrelid))) from pg_index
      where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)),
    (select md5(string_agg(conname || pg_get_constraintdef(oid) || convalidated, ';' order by conname)) from pg_constraint
      where connamespace = 'public'::regnamespace)) as content`;
