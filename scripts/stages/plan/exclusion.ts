import type { Catalog, Table } from '../../model/catalog.ts';
import type { Exclusion } from '../../model/plan.ts';
import { display, type TableRef } from '../../model/table.ts';
import { constraintName } from '../../postgres/constraints.ts';
import type { Session } from '../../postgres/session.ts';

interface Dependent {
  readonly catalog: string;
  readonly catalogOid: number;
  readonly oid: number;
  /** As pg_describe_object() says it. */
  readonly description: string;
  /** Relations only. */
  readonly kind: string | null;
  readonly schema: string | null;
  readonly name: string | null;
  readonly partition: boolean;
  /** Constraints only: as postgres/catalog.ts names them. */
  readonly constraint: string | null;
  /** Oid of the table that a default or a column belongs to. */
  readonly of: number | null;
}

/**
 * Everything that can't be without some tables, as DROP … CASCADE would find it: views on them, keys to them, functions
 * that take their rows.
 *
 * @returns also what would lose more than itself, as problems: another table that is made of theirs, a column's default.
 */
export async function readExclusion(
  session: Session,
  tables: readonly Table[],
): Promise<{ readonly exclusion: Exclusion; readonly problems: readonly string[] }> {
  if (tables.length === 0) return { exclusion: nothing, problems: [] };
  const dependents = await session.rows<Dependent>(dependentQuery, [tables.map(({ oid }) => oid)]);
  const named = new Set(tables.map(({ oid }) => oid));
  const relations = dependents.filter(({ catalog }) => catalog === 'pg_class');
  const gone = new Set(relations.map(({ oid }) => oid));
  const problems = dependents.flatMap((dependent) => {
    const { kind, oid, partition, of, catalog, description } = dependent;
    const alone = catalog === 'pg_class' && (kind === 'r' || kind === 'p') && !partition && !named.has(oid);
    if (!alone && !(catalog === 'pg_attrdef' && of !== null && !gone.has(of))) return [];
    return `${description} depends on a table that is excluded: exclude its table too, or use schema-only`;
  });
  return { problems, exclusion: toExclusion(dependents, tables) };
}

const nothing: Exclusion = { relations: [], objects: new Set(), constraints: new Set(), leftOut: [] };

function toExclusion(dependents: readonly Dependent[], tables: readonly Table[]): Exclusion {
  const named = new Set(tables.map(({ oid }) => oid));
  const names = tables.map(display).join(', ');
  // Of all that goes, people want to know what they might look for: not each index, type, default or rule.
  const told = new Set(['r', 'p', 'v', 'm', 'f', 'pg_proc', 'pg_constraint']);
  const ofTheirOwn = (dependent: Dependent) => dependent.of !== null && named.has(dependent.of);
  return {
    relations: dependents.flatMap(({ kind, schema, name }): TableRef[] =>
      kind !== null && 'rpvmfS'.includes(kind) && schema !== null && name !== null ? [{ schema, name }] : [],
    ),
    objects: new Set(dependents.map(({ catalogOid, oid }) => `${catalogOid}/${oid}`)),
    constraints: new Set(dependents.flatMap(({ constraint }) => constraint ?? [])),
    leftOut: dependents
      .filter((dependent) => told.has(dependent.kind ?? dependent.catalog) && !ofTheirOwn(dependent))
      .map(({ catalog, oid, description }) => ({
        object: description,
        reason:
          catalog === 'pg_class' && named.has(oid) ? 'the policy excludes it' : `it depends on ${names}`,
      })),
  };
}

/** The catalog without what is not made. */
export function withoutExcluded(catalog: Catalog, exclusion: Exclusion, classOid: number): Catalog {
  const gone = (oid: number) => exclusion.objects.has(`${classOid}/${oid}`);
  return {
    ...catalog,
    tables: catalog.tables.filter(({ oid }) => !gone(oid)),
    indexes: catalog.indexes.filter(({ oid, table }) => !gone(oid) && !gone(table)),
    foreignKeys: catalog.foreignKeys.filter((key) => !gone(key.table) && !gone(key.references)),
    sequences: catalog.sequences.filter(({ oid }) => !gone(oid)),
  };
}

/** Oid of pg_class itself, the same on every server (pg_class.dat in PostgreSQL's sources). */
export const classCatalog = 1259;

const dependentQuery = `
  with recursive dependent (classid, objid) as (
    select 'pg_class'::regclass::oid, oid from unnest($1::oid[]) as named(oid)
    union
    select found.classid, found.objid
      from dependent join lateral (
        select d.classid, d.objid from pg_catalog.pg_depend d
         where d.refclassid = dependent.classid and d.refobjid = dependent.objid and d.deptype <> 'e'
        union all
        -- A view's rule is a part of the view.
        select d.refclassid, d.refobjid from pg_catalog.pg_depend d
         where d.classid = dependent.classid and d.objid = dependent.objid and d.deptype = 'i'
           and d.classid = 'pg_rewrite'::regclass
      ) as found on true
  )
  select dependent.classid::regclass::text as catalog, dependent.classid::int8::float8 as "catalogOid",
         dependent.objid::int8::float8 as oid,
         pg_catalog.pg_describe_object(dependent.classid, dependent.objid, 0) as description,
         c.relkind as kind, n.nspname::text as schema, c.relname::text as name,
         coalesce(c.relispartition, false) as partition,
         case when k.oid is not null then ${constraintName('k')} end as constraint,
         coalesce(df.adrelid, k.conrelid, x.indrelid)::int8::float8 as of
    from dependent
    left join pg_catalog.pg_class c on dependent.classid = 'pg_class'::regclass and c.oid = dependent.objid
    left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_constraint k on dependent.classid = 'pg_constraint'::regclass and k.oid = dependent.objid
    left join pg_catalog.pg_attrdef df on dependent.classid = 'pg_attrdef'::regclass and df.oid = dependent.objid
    left join pg_catalog.pg_index x on dependent.classid = 'pg_class'::regclass and x.indexrelid = dependent.objid`;
