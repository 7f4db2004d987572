import type {
  Catalog,
  Extension,
  Fleeting,
  ForeignKey,
  Index,
  KeyShare,
  Sequence,
  Table,
} from '../model/catalog.ts';
import { literal, qualified } from '../model/table.ts';
import { allDone } from '../system/all-done.ts';
import { inBatches } from '../system/batches.ts';
import { listLargeObjects } from './large-objects.ts';
import { hashMayDiffer, portableBinary } from './portable-types.ts';
import type { Session } from './session.ts';
import { shareWords } from './shared-words.ts';

/**
 * Reads what a copy has to know of a database, in a handful of set-wise statements however many tables there are.
 * The session decides the snapshot: run it in the exporting transaction and schema and data agree.
 */
export async function readCatalog(session: Session): Promise<Catalog> {
  const [tables, indexes, foreignKeys, sequences, extensions, largeObjects, partitioned, shares, fleeting] =
    await allDone([
      session.rows<Table>(tableQuery),
      session.rows<Index>(indexQuery),
      session.rows<ForeignKey>(foreignKeyQuery),
      readSequences(session),
      session.rows<Extension>(extensionQuery),
      listLargeObjects(session),
      session.rows<{ oid: number }>(partitionedIndexQuery),
      session.rows<KeyShare>(renamedShareQuery),
      session.rows<Fleeting>(fleetingQuery),
    ]);
  const partitionedIndexes = partitioned.map(({ oid }) => oid);
  shareWords([...tables, ...indexes, ...foreignKeys]);
  return {
    tables,
    indexes,
    foreignKeys,
    sequences,
    extensions,
    partitionedIndexes,
    largeObjects,
    shares,
    fleeting,
  };
}

/** Of a pg_namespace `n`: neither the server's own, nor somebody's temporary one. */
export const userSchema = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`;

/** Objects that CREATE EXTENSION makes again by itself. */
export const ofExtension = (catalog: string, oid: string) =>
  `exists (select from pg_catalog.pg_depend d
            where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;

/** What is not in the WAL has no content on a replica: to ask for it is an error there. */
const onReplica = `c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()`;

const tableQuery = `
  with recursive configuration as (
    select relation, condition
      from pg_catalog.pg_extension, unnest(extconfig, extcondition) as config(relation, condition)
  ), above_foreign (oid) as (
    select i.inhparent from pg_catalog.pg_inherits i join pg_catalog.pg_foreign_table f on f.ftrelid = i.inhrelid
    union
    select i.inhparent from above_foreign join pg_catalog.pg_inherits i on i.inhrelid = above_foreign.oid
  )
  select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpersistence as persistence,
         array(select a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                order by a.attnum) as columns,
         case when c.relkind = 'r' then pg_catalog.pg_table_size(c.oid) else 0 end::float8 as bytes,
         case when c.relkind = 'r' then pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::int
              else 0 end::float8 as pages,
         c.relkind = 'r' and coalesce((select amname = 'heap' from pg_catalog.pg_am where oid = c.relam), false) as heap,
         c.relkind = 'r' and ${portableBinary('c.oid')} as "portableBinary",
         (select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.oid and c.relispartition)
           as "partitionOf",
         c.oid in (select oid from above_foreign) as "aboveForeign",
         c.relispopulated as populated,
         case when c.relispartition then (
           select json_build_object('schema', an.nspname, 'name', ac.relname)
             from pg_catalog.pg_partition_ancestors(c.oid) with ordinality as up(relid, level)
             join pg_catalog.pg_partitioned_table p on p.partrelid = up.relid
             join pg_catalog.pg_class ac on ac.oid = up.relid
             join pg_catalog.pg_namespace an on an.oid = ac.relnamespace
            where p.partstrat = 'h' and ${hashMayDiffer('p')}
            order by up.level desc limit 1) end as "loadThrough",
         nullif(pg_catalog.getdatabaseencoding(), 'UTF8') as encoding,
         configuration.condition as configuration
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join configuration on configuration.relation = c.oid
   where c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't' and ${userSchema}
     and (configuration.relation is not null or not ${ofExtension('pg_class', 'c.oid')})
   order by bytes desc, n.nspname, c.relname`;

const indexQuery = `
  select x.indexrelid as oid, x.indrelid as table, c.relname as name, n.nspname as schema,
         pg_catalog.pg_get_indexdef(x.indexrelid) as definition,
         pg_catalog.pg_relation_size(x.indexrelid)::float8 as bytes,
         (select amname::text from pg_catalog.pg_am where oid = c.relam) as method,
         case when k.oid is not null then json_build_object(
           'oid', k.oid::int8, 'name', k.conname, 'kind', k.contype,
           'columns', array(select a.attname from unnest(k.conkey) with ordinality as place(number, position)
                              join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = place.number
                             order by position),
           'definition', pg_catalog.pg_get_constraintdef(k.oid),
           'deferrable', k.condeferrable, 'deferred', k.condeferred) end as constraint,
         array(
           select format('alter table only %I.%I cluster on %I', tn.nspname, t.relname, c.relname)
            where x.indisclustered
            union all
           select format('alter table only %I.%I replica identity using index %I', tn.nspname, t.relname, c.relname)
            where x.indisreplident
            union all
           select format('alter index %I.%I alter column %s set statistics %s', n.nspname, c.relname, a.attnum,
                         a.attstattarget)
             from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attstattarget >= 0
            union all
           select format('alter index %I.%I depends on extension %I', n.nspname, c.relname, e.extname)
             from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'x'
              and d.refclassid = 'pg_extension'::regclass
         ) as marks
    from pg_catalog.pg_index x
    join pg_catalog.pg_class c on c.oid = x.indexrelid and c.relkind = 'i'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_class t on t.oid = x.indrelid and t.relkind in ('r', 'm') and t.relpersistence <> 't'
    join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
    left join pg_catalog.pg_constraint k
      on k.conindid = x.indexrelid and k.conrelid = x.indrelid and k.contype in ('p', 'u', 'x')
   where ${userSchema} and not ${ofExtension('pg_class', 't.oid')} and not ${ofExtension('pg_class', 'c.oid')}
     and x.indisvalid and x.indisready
   order by c.oid`;

const partitionedIndexQuery = `
  select c.oid from pg_catalog.pg_class c where c.relkind = 'I'
  union all
  select k.oid from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conindid
   where c.relkind = 'I' and k.contype in ('p', 'u', 'x')`;

const foreignKeyQuery = `
  select k.oid, k.conname as name, k.conrelid as table, k.confrelid as references,
         pg_catalog.pg_get_constraintdef(k.oid) as definition, k.convalidated as validated,
         case when c.relkind = 'p' then (
           with recursive share as (
             select oid, conrelid, conname from pg_catalog.pg_constraint where conparentid = k.oid and confrelid = k.confrelid
             union all
             select s.oid, s.conrelid, s.conname
               from pg_catalog.pg_constraint s join share on s.conparentid = share.oid where s.confrelid = k.confrelid
           )
           select coalesce(json_agg(json_build_object('table', share.conrelid::int8, 'name', share.conname)), '[]')
             from share join pg_catalog.pg_class leaf on leaf.oid = share.conrelid and leaf.relkind = 'r') end as partitions
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where k.contype = 'f' and k.conparentid = 0 and ${userSchema} and not ${ofExtension('pg_class', 'c.oid')}
   order by k.oid`;

/**
 * Shares of foreign keys (see KeyShare) that can be told apart by their tables. The server counts names up where a key
 * refers to a partitioned table.
 */
export const shareQuery = `
  with recursive share (oid, root) as (
    select oid, oid from pg_catalog.pg_constraint where contype = 'f' and conparentid = 0
    union all
    select k.oid, share.root from share join pg_catalog.pg_constraint k on k.conparentid = share.oid
  ), relation (oid, name) as (
    select c.oid, format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where ${userSchema}
  )
  select t.name as table, r.name as references, format('%s %I', m.name, root.conname) as of,
         quote_ident(min(k.conname)) as name, min(k.conname) = root.conname as inherited
    from share
    join pg_catalog.pg_constraint k on k.oid = share.oid and k.oid <> share.root
    join pg_catalog.pg_constraint root on root.oid = share.root
    join relation t on t.oid = k.conrelid
    join relation r on r.oid = k.confrelid
    join relation m on m.oid = root.conrelid
   group by 1, 2, 3, root.conname
  having count(*) = 1`;

/** A name that is the key's own comes by itself. */
const renamedShareQuery = `select "table", "references", of, name from (${shareQuery}) shares where not inherited`;

const extensionQuery = `
  select e.extname as name, e.extversion as version, n.nspname as schema
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
   order by e.extname`;

/** Preflight has found production's to be readable; of staging's, those of an extension may not be. */
const sequenceQuery = `
  select c.oid, n.nspname as schema, c.relname as name, configuration.oid is not null as configuration
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join (select unnest(extconfig) as oid from pg_catalog.pg_extension) configuration on configuration.oid = c.oid
   where c.relkind = 'S' and c.relpersistence <> 't' and ${userSchema} and not (${onReplica})
     and case when configuration.oid is null then not ${ofExtension('pg_class', 'c.oid')}
         when c.relkind = 'S' then has_schema_privilege(n.oid, 'USAGE') and has_sequence_privilege(c.oid, 'SELECT') end
   order by c.oid`;

const fleetingQuery = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where ${onReplica} and c.relkind in ('r', 'S') and ${userSchema}
   order by 2, 3`;

/** Many sequences in one statement; a statement of its own for each would cost a round trip each. */
const sequencesAtOnce = 500;

/** pg_sequence_last_value() does not tell `setval(…, false)` from a sequence never touched, so each one is read. */
export async function readSequences(session: Session): Promise<Sequence[]> {
  const all = await session.rows<Omit<Sequence, 'lastValue' | 'isCalled'>>(sequenceQuery);
  const sequences: Sequence[] = [];
  const read = async (batch: readonly Omit<Sequence, 'lastValue' | 'isCalled'>[]) => {
    const union = batch
      .map(
        (sequence) =>
          `select ${literal(String(sequence.oid))}::int8 as oid, last_value, is_called from ${qualified(sequence)}`,
      )
      .join(' union all ');
    const values = await session.rows<{ oid: string; last_value: string; is_called: boolean }>(union);
    const byOid = new Map(values.map((value) => [Number(value.oid), value]));
    for (const sequence of batch) {
      const value = byOid.get(sequence.oid);
      if (value) sequences.push({ ...sequence, lastValue: value.last_value, isCalled: value.is_called });
    }
  };
  await allDone(inBatches(all, sequencesAtOnce).map(read));
  return sequences;
}
