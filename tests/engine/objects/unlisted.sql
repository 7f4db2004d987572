-- What nobody had listed: loops that pg_dump has to break, objects whose dependencies no catalog knows, names and values
-- that some layer may take for something else. Loaded after the other two.
create schema zz; create schema aa;
-- as a database has it that was made before 15, or whose owner wanted it so
alter schema public owner to app; comment on schema public is 'ours'; grant usage on schema public to doadmin;
-- dependency loops
create table app.pk (id int primary key, t text); insert into app.pk select i, 't'||i from generate_series(1,5) i;
create view app.fd as select id, t, count(*) as n from app.pk group by id;
create materialized view app.fd_m as select id, t, count(*) as n from app.pk group by id;
create index on app.fd_m (n); create unique index fd_m_id on app.fd_m (id); comment on index app.fd_m_id is 'c'; alter materialized view app.fd_m cluster on fd_m_id;
create view app.on_fd as select * from app.fd_m; comment on view app.on_fd is 'v'; comment on column app.on_fd.n is 'cn';
create materialized view app.on_fd_m as select sum(n) as s from app.on_fd; create index on app.on_fd_m (s);
create function app.reads_fd() returns bigint language sql begin atomic select sum(n) from app.fd; end;
create view app.loop_v as select 1::bigint as x; create function app.loop_f() returns bigint language sql begin atomic select x from app.loop_v; end;
create or replace view app.loop_v as select app.loop_f() as x where false;
create view app.fd_opts with (security_barrier, security_invoker, check_option=cascaded) as select id, t from app.pk where id > 0;
create table app.whole (id int, t text); create function app.of_row(app.whole) returns boolean immutable language sql as 'select $1.id > 0'; alter table app.whole add check (app.of_row(whole.*)); insert into app.whole values (1, 'x');
create function app.of_row_text(app.whole) returns text immutable language sql as 'select $1.t'; create index on app.whole (app.of_row_text(whole.*));
create type app.dom_base as (a int); create domain app.dom as int; alter domain app.dom add check (value > 0);
create table app.dom_t (d app.dom); insert into app.dom_t values (3);
-- a function that a dump makes after a primary key, and all that needs it
create function app.late(x int) returns bigint language sql immutable begin atomic select count(*) + x from (select id, t from app.pk group by id) s; end;
create table app.late_index (id int, n int); insert into app.late_index select i, i from generate_series(1, 10) i; create index on app.late_index (app.late(id)); create unique index on app.late_index (id) include (n) where app.late(n) > 0; create statistics app.late_s on (app.late(id)), n from app.late_index;
create table app.late_part (id int) partition by range (id); create table app.late_part_1 partition of app.late_part for values from (0) to (100); insert into app.late_part values (1), (2); create index on app.late_part (app.late(id));
create table app.late_default (id int default app.late(3), check (app.late(id) > 0)); insert into app.late_default values (default), (2); create view app.late_v as select app.late(id) from app.pk; create materialized view app.late_m as select app.late(id) as l from app.pk; create index on app.late_m (l); create aggregate app.late_a (int) (sfunc = int4pl, stype = int, finalfunc = app.late);
create table app.late_x (r int4range, n int, exclude using gist (r with &&) where (app.late(n) > 0)); insert into app.late_x values ('[1,2)', 1); create trigger late_t before insert on app.late_index for each row when (app.late(new.id) > 1000) execute function suppress_redundant_updates_trigger();
-- mat view through functions
create materialized view app.z_base as select count(*) as n from app.pk;
create function app.read_z() returns bigint language plpgsql as $$ begin return (select n from app.z_base); end $$;
create materialized view app.a_reads_by_function as select app.read_z() as n;
create function app.read_z2() returns bigint language sql begin atomic select n from app.z_base; end;
create materialized view app.a_reads_by_function2 as select app.read_z2() as n;
-- merge in atomic body
create function app.merges() returns void language sql begin atomic merge into app.pk using (select 1 as id) s on pk.id = s.id when matched then update set t = 'm' when not matched by source then do nothing when not matched then insert values (s.id, 'n'); end;
create procedure app.proc_atomic(a int) begin atomic insert into app.pk values (a, 'x') on conflict (id) do update set t = excluded.t; end;
create function app.ret(a int) returns int return a + 1;
create function app.deflt(a bigint default nextval('app.deflt_seq'::text::regclass), b text default 'a''\b') returns bigint language sql as 'select a';
create function app.cyc() returns setof app.pk rows 7 language sql stable  as 'select * from app.pk';
create sequence app.deflt_seq;
create function app.deflt2(a bigint default nextval('app.deflt_seq')) returns bigint language sql as 'select a';
-- sequences
create table app.seqs (a int generated by default as identity (sequence name app.other_name start 5 minvalue -3 maxvalue 77 cycle cache 3), b serial, c bigint);
alter sequence app.seqs_b_seq owned by app.seqs.c; create table app.seqs2 (x int default nextval('app.seqs_b_seq'), y text default nextval('app.other_name2'::text)) ;
create sequence app.other_name2; alter sequence app.other_name2 as smallint; insert into app.seqs (b) values (default), (default); insert into app.seqs2 default values;
create unlogged table app.unl (id int generated always as identity, t text); alter sequence app.unl_id_seq set logged;
create table app.ident_renamed (id int generated always as identity); alter sequence app.ident_renamed_id_seq rename to "Odd Seq"; alter table app.ident_renamed rename to ident_renamed2; insert into app.ident_renamed2 default values;
-- partition trees
create table zz.parent (id int, k text, primary key (id, k)) partition by list (k);
create table aa.leaf partition of zz.parent (constraint own_check check (id > 0)) for values in ('a', null);
create table aa.leaf2 (k text not null, id int not null default 9, extra_gone int, constraint leaf2_own_pk primary key (id, k) with (fillfactor = 33)); alter table aa.leaf2 drop column extra_gone; alter table zz.parent attach partition aa.leaf2 for values in ('b');
create table aa.parent partition of zz.parent for values in ('c') partition by range (id); create table zz.leaf partition of aa.parent for values from (minvalue) to (maxvalue);
insert into zz.parent values (1, 'a'), (2, 'b'), (3, 'c');
create index parent_k on zz.parent (k); alter index aa.leaf_k_idx rename to "leaf k"; alter index aa.leaf2_k_idx set (fillfactor = 44); comment on index aa."leaf k" is 'leaf'; comment on constraint leaf2_own_pk on aa.leaf2 is 'ck';
alter table aa.leaf replica identity using index leaf_pkey; alter table zz.parent replica identity using index parent_pkey;
alter table aa.leaf cluster on "leaf k";
create index parent_e on zz.parent ((id + 1)); alter index zz.parent_e alter column 1 set statistics 77; alter index aa.leaf_expr_idx alter column 1 set statistics 78;
alter table aa.leaf alter k set storage external, alter k set statistics 5, alter k set (n_distinct = 3, n_distinct_inherited = -1);
create table app.expr_part (id int, t text) partition by range (lower(t) collate "C", id); create table app.expr_part_1 partition of app.expr_part for values from (minvalue, minvalue) to ('m', 5); create table app.expr_part_d partition of app.expr_part default; insert into app.expr_part values (1,'A'),(2,'Z');
create function app.pf(int) returns int immutable language sql as 'select $1 % 3'; create table app.func_part (id int) partition by list (app.pf(id)); create table app.func_part_0 partition of app.func_part for values in (0,1); create table app.func_part_2 partition of app.func_part for values in (2); insert into app.func_part select generate_series(1,10);
create function app.trg() returns trigger language plpgsql as 'begin return new; end';
create trigger "trg p" after insert on zz.parent for each row execute function app.trg(E'a\\b', 'q''', E'new\nline', ''); alter table aa.leaf disable trigger "trg p"; alter table zz.leaf enable replica trigger "trg p"; comment on trigger "trg p" on zz.parent is 'on parent'; comment on trigger "trg p" on aa.leaf is 'on leaf';
create trigger tt after update on app.pk referencing old table as o new table as n for each statement execute function app.trg();
create constraint trigger ct after insert on app.pk from app.whole deferrable for each row execute function app.trg();
-- types
create type app.zero as (); create type app.no_labels as enum (); create type app.comp as (a int, gone text, b text collate "C"); alter type app.comp drop attribute gone;
create table app.uses (z app.zero, e app.no_labels, c app.comp, ca app.comp[], cd text[]); insert into app.uses values (row(), null, row(1, 'x'), array[row(2, null)::app.comp], '[5:6][-1:0]={{a,b},{NULL,"NULL"}}');
create domain app.cdom as app.comp check ((value).a > 0); create table app.uses2 (c app.cdom, cs app.cdom[]); insert into app.uses2 values (row(1,'y'), array[row(3,'z')::app.cdom]);
create type app.dr as range (subtype = app.dom, multirange_type_name = app."multi of dr"); create table app.uses3 (r app.dr, m app."multi of dr"); insert into app.uses3 values ('[1,5)', '{[1,2),[7,)}');
create type app.tr as range (subtype = text, collation = "C", subtype_opclass = text_pattern_ops); create table app.uses4 (r app.tr); insert into app.uses4 values ('[a,"b c")'), ('(,)');
-- expressions that the server says otherwise once it has read its own words
create table app.said (id int, status varchar(10) constraint said_status check (status in ('new', 'it''s ('::varchar)), c char(3) default 'x' check (c in ('x', 'y')), kind varchar generated always as (case when status in ('new', 'old') then status || 'z' end) stored);
insert into app.said values (1, 'new'); create index on app.said (lower(status)) where status in ('new', 'it''s ('); create statistics app.said_s on (status in ('new', 'old')), (status || 'x') from app.said;
create domain app.said_d as varchar(4) check (value in ('a', 'b')); create policy said_p on app.said using (status in ('new', 'old')); create view app.said_v (a, b) as values (1, 'x'), (2, null);
create trigger said_t before update on app.said for each row when (old.status in ('new', 'old')) execute function app.trg(); create function app.said_f(s varchar) returns boolean begin atomic select s in ('new', 'old'); end;
-- comments on keys that are made last of all
create table app.lone (id int primary key); create table app.commented (id int references app.lone) partition by list (id); create table app.commented_d partition of app.commented default; alter table app.commented_d add constraint own_key foreign key (id) references app.lone on delete cascade; comment on constraint own_key on app.commented_d is 'of a partition';
-- rows
create table app.odd (id int primary key, ch "char", i interval, arr int[], ref regrole, ns regnamespace, cf regconfig, dict regdictionary, op regoperator, coll regcollation, acl aclitem, acls aclitem[], jp jsonpath, ov oidvector, iv int2vector, snap pg_snapshot, cid cid, xid xid, bp char(5), vb bit(3), l line, c circle, lg lseg, pa path, bx box, m macaddr, nmr nummultirange, ts timestamptz(0), tm time, x xml, rc refcursor, num numeric(5,-2), nn numeric(3,5), txid txid_snapshot);
insert into app.odd values (1, '\377', 'infinity', '[0:1]={1,2}', 'app', 'app', 'simple', 'simple', '+(int4,int4)', '"C"', 'app=r/app', '{app=arwd/app,=r/app}', '$."a b"[*] ? (@ > 1)', '1 2 3', '4 5', '10:20:10,14', '1', '2', 'ab', '101', '{1,2,3}', '<(1,2),3>', '[(1,2),(3,4)]', '[(1,2),(3,4)]', '(1,2),(3,4)', '08:00:2b:01:02:03', '{[1,2),[3.5,)}', 'epoch', '24:00', 'text <a/> fragment', 'cur', 12345, 0.00123, '10:20:10,14'), (2, '\000', '-infinity', '{}', null, null, null, null, null, null, null, '{}', '$', '', '', null, null, null, '', null, null, null, null, null, null, null, '{}', 'infinity', null, null, null, -99950, null, null), (3, '', '-178956970 years -7 months -2147483648 days -2562047788:00:54.775807', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, '-infinity', null, '<?xml version="1.0" encoding="ISO-8859-1"?><é/>', null, null, null, null);
create table app.only_dropped (a int, b text); insert into app.only_dropped values (1, 'x'), (2, 'y'); alter table app.only_dropped drop column a, drop column b;
do $$ begin execute 'create table app.t1600 (' || (select string_agg('c' || i || ' int', ', ') from generate_series(1, 1600) i) || ')'; end $$; insert into app.t1600 (c1, c1600) values (1, 1600), (null, null);
create view app.v_zero as select; create materialized view app.m_zero as select from app.pk;
-- names
create table app."multi
line -- Name: x; Type: TABLE; Schema: y; Owner: z
--
" ("c
d" int constraint "pk
--
-- Name: q; Type: TABLE" primary key, "pct%s%%" text, "bs\n" int default 3, "$$" int, "tab	x" int);
insert into app."multi
line -- Name: x; Type: TABLE; Schema: y; Owner: z
--
" values (1, 'a', 2, 3, 4);
create index "ix
new; line\" on app."multi
line -- Name: x; Type: TABLE; Schema: y; Owner: z
--
" ("pct%s%%"); 
create table app."fk 
from" ("x
y" int, constraint "fk
name%" foreign key ("x
y") references app."multi
line -- Name: x; Type: TABLE; Schema: y; Owner: z
--
"); insert into app."fk 
from" values (1);
create sequence app."seq
'q"; select nextval('app."seq
''q"'); create type app."en
um" as enum ('a
b', 'c''d', '', '\.', 'x\ny'); create table app.uses_en (e app."en
um"); insert into app.uses_en values ('a
b'), (''), ('\.'), ('x\ny');
create function app."f
n"(a text default E'\n--\n-- Name: z; Type: FUNCTION; Schema: s; Owner: o\n--\n') returns text language sql as $x$ select '
--
-- Name: evil; Type: TABLE; Schema: app; Owner: app
--

create table evil();
' $x$; 
create policy "p
o" on app.pk using (true); create statistics app."st
at" on id, t from app.pk; create trigger "t
r" before insert on app.pk for each row execute function app.trg(); create rule "r
u" as on delete to app.pk where old.id = 0 do also nothing;
comment on table app.pk is E'\\.\n--\n-- Name: evil; Type: TABLE; Schema: app; Owner: app\n--\n\n\\restrict x\n\\unrestrict x\n'; comment on rule "r
u" on app.pk is 'r'; comment on policy "p
o" on app.pk is ' '; comment on schema app is '';
-- views of all sorts
create view app.vj as select * from json_table('[{"a":1},{"a":2}]', '$[*]' columns (id for ordinality, a int path '$.a' default 3 on empty, nested path '$.b[*]' columns (b text path '$'))) jt;
create view app.vx as select * from xmltable('/a/b' passing '<a><b>1</b></a>' columns n int path '.' not null, o for ordinality);
create view app.vc as with recursive g(a, b) as (select 1, 2 union all select a + 1, b from g where a < 3) search breadth first by a set ord cycle a set is_cycle using path select a, b, is_cycle from g;
create view app.vg as select a, b, grouping(a, b) from (values (1,2)) v(a, b) group by grouping sets ((a), rollup (a, b), cube (b, a)); create view app.vl as select * from app.pk p, lateral (select p.id + 1 as i) l join rows from (generate_series(1,2), unnest(array['a'])) with ordinality r(x, y, z) on true;
create view app.vjc as select json_object('a': 1 absent on null returning jsonb), json_arrayagg(x order by x null on null) as j, json_query('{"a":1}', '$.a' with wrapper), 'x' is json object with unique keys as is_j from (values (1)) v(x);
create view app.vcols (x, "Y y", z) as select 1 as a, 2 as b, 3 as c; alter view app.vcols rename column x to xx; create view app.vstar as select * from app.vcols; alter view app.vcols set (security_invoker = true);
create view app.vu as select id from app.pk for update of pk skip locked; create view app.vtz as select now() at time zone 'utc' at time zone 'Europe/Berlin' as a, extract(epoch from now()), normalize('x', nfkc), overlay('a' placing 'b' from 1), trim(both 'x' from 'y'), substring('a' similar 'b' escape 'c'), position('a' in 'b');
create rule up_rule as on insert to app.vcols do instead insert into app.pk values (new.xx, 'r') on conflict (id) do update set t = excluded.t where pk.id > 3 returning id as xx, 2 as "Y y", 3 as z;
-- rows that break what is not validated; keys from tree to tree and to a part of one; a column order of its own with an identity; names looked up by oid
create domain app.loose as int; create table app.has_bad (id app.loose); insert into app.has_bad values (-5), (3); alter domain app.loose add constraint pos check (value > 0) not valid;
create table app.fk_tree (id int, k int, primary key (id, k)) partition by list (k); create table app.fk_tree1 partition of app.fk_tree for values in (1) ; create table app.fk_tree2 partition of app.fk_tree for values in (2) partition by range (id); create table app.fk_tree2a partition of app.fk_tree2 for values from (0) to (100); create table app.fk_tree2b partition of app.fk_tree2 default; insert into app.fk_tree select i, 1 + i % 2 from generate_series(1, 200) i;
create table app.to_tree (id int, k int, x int, constraint to_tree_fk foreign key (id, k) references app.fk_tree on delete cascade, constraint second foreign key (x, k) references app.fk_tree2 (id, k)); insert into app.to_tree select id, k, id from app.fk_tree where k = 2;
create table app.tree_to_tree (id int, k int, x int) partition by list (k); create table app.tree_to_tree1 partition of app.tree_to_tree for values in (1); create table app.tree_to_tree2 (x int, k int, id int); alter table app.tree_to_tree attach partition app.tree_to_tree2 for values in (2); alter table app.tree_to_tree add constraint ttt foreign key (id, k) references app.fk_tree deferrable; alter table app.tree_to_tree2 add constraint own foreign key (id, k) references app.fk_tree2 (id, k); insert into app.tree_to_tree select id, k, 5 from app.fk_tree;
create table app.p_id (id int generated always as identity, g int generated always as (1) stored, k int) partition by list (k); create table app.p_id1 partition of app.p_id for values in (1); create table app.p_id2 (k int, g int generated always as (1) stored, id int not null); alter table app.p_id attach partition app.p_id2 for values in (2); insert into app.p_id (k) values (1), (2), (2);
create table app.list_reg (k regclass) partition by list (k); create table app.list_reg1 partition of app.list_reg for values in ('app.tree'); create table app.list_regd partition of app.list_reg default; insert into app.list_reg values ('app.tree'), ('app.fk_tree');
create table app.hash_multi (a text collate "C", b int8, c uuid) partition by hash (a, b); create table app.hash_multi0 partition of app.hash_multi for values with (modulus 3, remainder 0); create table app.hash_multi1 partition of app.hash_multi for values with (modulus 6, remainder 1); create table app.hash_multi4 partition of app.hash_multi for values with (modulus 6, remainder 4); create table app.hash_multi2 partition of app.hash_multi for values with (modulus 3, remainder 2); insert into app.hash_multi select 'a' || i, i, gen_random_uuid() from generate_series(1, 100) i;
create table app.one_col (t text); insert into app.one_col values (E'\\.'), (''), (null), (E'\\N'), ('\N'), (E'\n'), (E'\\\\.'), ('copy'), (E'\\.\n');
create table app.r_states (id int, t text); create rule r2 as on update to app.r_states do also notify "chan nel"; create rule r3 as on delete to app.r_states do instead nothing; alter table app.r_states enable replica rule r2; alter table app.r_states disable rule r3; create rule r4 as on insert to app.r_states where false do instead nothing; alter table app.r_states enable always rule r4; comment on rule r4 on app.r_states is 'r4';
create table app.ident_small (id smallint generated always as identity (minvalue -5 start with -5)); insert into app.ident_small default values; alter table app.ident_small set unlogged;
-- privileges
create table app.priv (a int, b int); grant select (a), insert (b), references (a), update (a, b) on app.priv to doadmin with grant option; revoke all on app.priv from app; grant maintain on app.pk to doadmin; grant usage on type app.comp to doadmin; revoke usage on type app.dom from public; grant all on app.deflt_seq to doadmin; grant usage on schema app to doadmin with grant option; grant trigger on app.pk to public; revoke execute on all functions in schema app from public; grant execute on procedure app.proc_atomic to doadmin;
alter default privileges revoke execute on functions from public; alter default privileges in schema zz grant all on sequences to doadmin with grant option; alter default privileges grant usage on types to doadmin; alter default privileges grant create on schemas to doadmin;
revoke all on schema aa from app; 
grant create on schema aa to app; grant usage on schema aa to app;
create publication pub2 for table zz.parent where (id > 5), app.pk (id) with (publish_via_partition_root = true, publish = 'insert, truncate');
-- index kinds
create table app.ix (id int, t text, v tsvector, r int4range, a int[], j jsonb); insert into app.ix select i, 't'||i, to_tsvector('simple','w'||i), int4range(i,i+2), array[i], '{"a":1}' from generate_series(1,100) i;
create index on app.ix using gist (v tsvector_ops (siglen = 100)); create index on app.ix using brin (id int4_minmax_multi_ops (values_per_range = 16)) with (autosummarize = on); create index on app.ix using brin (t text_bloom_ops (n_distinct_per_range = 50)); create index on app.ix using gin (a, j) with (gin_pending_list_limit = 100); create index on app.ix using spgist (r) with (fillfactor = 77); create unique index on app.ix (id) nulls not distinct where t <> 'x'; create index on app.ix (t varchar_pattern_ops, (t || 'x') collate "C" desc nulls last) include (id);
create index on app.ix (date_trunc('day', '2026-01-01'::timestamp + id * interval '1 day'));
-- inheritance
create table app.ip (a int default 1, b text not null, c int check (c > 0), g int generated always as (a * 2) stored); create table app.ic (b text default 'child', extra int) inherits (app.ip); alter table app.ic alter column a drop default; alter table app.ic add constraint ip_c_check check (c > 0); insert into app.ic values (1, 'x', 2);
create table app.ic2 (a int, b text not null, c int, g int generated always as (a * 3) stored, constraint ip_c_check check (c > 0)); alter table app.ic2 inherit app.ip; insert into app.ic2 (b) values ('y');
create table app.opts (a text) with (toast_tuple_target = 128, parallel_workers = 3, user_catalog_table = true, vacuum_truncate = off, toast.vacuum_truncate = on, autovacuum_vacuum_threshold = 7, log_autovacuum_min_duration = 5);
create table app.lz (a text compression lz4);
create text search configuration app."C g" (parser = default); alter text search configuration app."C g" add mapping for word, asciiword with simple, english_stem; alter text search configuration app."C g" alter mapping replace simple with english_stem; create text search dictionary app.syn (template = thesaurus, dictfile = 'thesaurus_sample', dictionary = english_stem); comment on text search dictionary app.syn is 'd'; comment on text search configuration app."C g" is 'c';
create cast (app.comp as text) with inout as implicit; create function app.c2i(app.comp) returns int immutable language sql as 'select ($1).a'; create cast (app.comp as int) with function app.c2i(app.comp); comment on cast (app.comp as int) is 'c';
create function app.eqc(app.comp, app.comp) returns boolean immutable language sql as 'select ($1).a = ($2).a'; create operator app.<=> (leftarg = app.comp, rightarg = app.comp, function = app.eqc, commutator = operator(app.<=>), negator = operator(app.<!>), restrict = eqsel, join = eqjoinsel, hashes, merges); create operator app.<!> (leftarg = app.comp, rightarg = app.comp, function = app.eqc, negator = operator(app.<=>)); create operator app.@#% (rightarg = app.comp, function = app.c2i);
create function app.ord_s(numeric[], numeric) returns numeric[] immutable language sql as 'select $1 || $2'; create function app.ord_f(numeric[]) returns numeric immutable language sql as 'select $1[1]'; create aggregate app.ordered(order by numeric) (sfunc = app.ord_s, stype = numeric[], finalfunc = app.ord_f, initcond = '{}'); create aggregate app.par(int) (sfunc = int4pl, stype = int, combinefunc = int4pl, parallel = safe, sortop = <, finalfunc_modify = read_only, sspace = 100);
alter function app.trg() depends on extension plpgsql; alter trigger tt on app.pk depends on extension plpgsql; alter materialized view app.z_base depends on extension plpgsql; alter index app.fd_m_n_idx depends on extension plpgsql;
select lo_from_bytea(99, '\x00'), lo_create(100); comment on large object 99 is E'\\.\n'; grant select, update on large object 100 to doadmin with grant option; revoke all on large object 99 from app;
alter default privileges revoke all on tables from app;
