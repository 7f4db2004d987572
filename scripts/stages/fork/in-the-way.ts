import type { ForeignKey, Table } from '../../model/catalog.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import { display, ident, literal, qualified, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

/** What the catalog says beyond the plan's own. */
interface KeyFacts {
  readonly oid: number;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly comment: string | null;
  readonly owner: string;
}

/** A trigger, a rule or the like of one table. */
export interface Switch {
  readonly off: string;
  readonly on: string;
}

/** A foreign key that is taken away for as long as rows change, and how it comes back. */
export interface KeyInTheWay {
  readonly name: string;
  readonly drop: string;
  readonly add: readonly string[];
  readonly validate: string | undefined;
  readonly weight: number;
}

/** Keys that would check or cascade half of a change: to tables that lose rows, and over masked columns. */
export async function keysInTheWay(
  session: Session,
  plan: Plan,
  losing: readonly PlannedTable[],
  masked: readonly PlannedTable[],
): Promise<KeyInTheWay[]> {
  const { foreignKeys, tables } = plan.catalog;
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const withAncestors = (oid: number): number[] => {
    const parent = byOid.get(oid)?.partitionOf;
    return parent ? [oid, ...withAncestors(parent)] : [oid];
  };
  const losers = new Set(losing.flatMap(({ table }) => withAncestors(table.oid)));
  const columns = new Set(
    masked.flatMap(({ table, masks }) =>
      withAncestors(table.oid).flatMap((oid) => [...masks.keys()].map((column) => `${oid} ${column}`)),
    ),
  );
  const facts = await session.rows<KeyFacts>(keyQuery, [foreignKeys.map(({ oid }) => oid)]);
  return facts.flatMap((fact) => {
    const key = foreignKeys.find(({ oid }) => oid === fact.oid);
    const table = key && byOid.get(key.table);
    if (!key || !table) return [];
    const touched =
      losers.has(key.references) ||
      fact.columns.some((name) => columns.has(`${key.table} ${name}`)) ||
      fact.key.some((name) => columns.has(`${key.references} ${name}`));
    return touched ? keyInTheWay(table, key, fact) : [];
  });
}

function keyInTheWay(table: Table, key: ForeignKey, { comment }: KeyFacts): KeyInTheWay {
  const name = ident(key.name);
  // A partitioned table can't have a key that is not validated (manual, ALTER TABLE).
  const later = table.kind === 'r' && key.validated;
  return {
    name: `${key.name} of ${display(table)}`,
    drop: dropKey(table, key.name),
    add: [
      `alter table ${qualified(table)} add constraint ${name} ${key.definition}${later ? ' not valid' : ''}`,
      ...(comment === null
        ? []
        : [`comment on constraint ${name} on ${qualified(table)} is ${literal(comment)}`]),
    ],
    validate: later ? `alter table ${qualified(table)} validate constraint ${name}` : undefined,
    weight: table.bytes,
  };
}

export function dropKey(table: TableRef, key: string): string {
  return `alter table ${qualified(table)} drop constraint if exists ${ident(key)}`;
}

/** What would react to changes that are none to the application, or refuse them: triggers, rules, publications. */
export async function readSwitches(session: Session, tables: readonly PlannedTable[]): Promise<Switch[]> {
  return await session.rows<Switch>(switchQuery, [tables.map(({ table }) => table.oid)]);
}

const keyQuery = `
  select k.oid, array(select a.attname::text from pg_catalog.pg_attribute a
                       where a.attrelid = k.conrelid and a.attnum = any (k.conkey)) as columns,
         array(select a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = k.confrelid and a.attnum = any (k.confkey)) as key,
         pg_catalog.obj_description(k.oid, 'pg_constraint') as comment
    from pg_catalog.pg_constraint k where k.oid = any ($1::oid[]) order by k.oid`;

const switchQuery = `
  with subject as (
    select c.oid, format('alter table only %I.%I ', n.nspname, c.relname) as alter, c.relreplident
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.oid = any ($1::oid[])
  )
  select alter || format('disable trigger %I', t.tgname) as off,
         alter || format('enable %strigger %I', case t.tgenabled when 'A' then 'always ' when 'R' then 'replica ' else '' end, t.tgname) as on
    from subject join pg_catalog.pg_trigger t on t.tgrelid = subject.oid and not t.tgisinternal and t.tgenabled <> 'D'
   union all
  select alter || format('disable rule %I', r.rulename),
         alter || format('enable %srule %I', case r.ev_enabled when 'A' then 'always ' when 'R' then 'replica ' else '' end, r.rulename)
    from subject join pg_catalog.pg_rewrite r on r.ev_class = subject.oid and r.rulename <> '_RETURN' and r.ev_enabled <> 'D'
   union all
  -- What is published and has nothing to be known by takes no UPDATE (manual, 29.1.1 "Replica Identity").
  select alter || 'replica identity full',
         alter || case relreplident when 'n' then 'replica identity nothing' else 'replica identity default' end
    from subject
   where exists (select from pg_catalog.pg_publication)
     and (relreplident = 'n' or relreplident = 'd' and not exists (
            select from pg_catalog.pg_index x where x.indrelid = subject.oid and x.indisprimary))`;
