import { counted } from '../../model/figures.ts';
import type { LeftOut, Plan, PlannedTable } from '../../model/plan.ts';
import { display, qualified, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';

/** What of extensions' own tables and sequences staging's role may touch, and a plan that asks for no more. */
export interface Touchable {
  readonly plan: Plan;
  readonly leftOut: readonly LeftOut[];
  /** Of the next database: pg_dump would ask for their rows. */
  readonly unreadable: readonly TableRef[];
}

/**
 * The plan without rows and positions that staging can't take: those of an extension that isn't there, and those of one
 * whose tables belong to somebody else, as on a managed server, where the provider's superuser runs its script.
 *
 * @param session in the next database, whose extensions stand already.
 * @param rowsIn how many of these tables' rows there are to be copied, in their order.
 */
export async function withoutUntouchable(
  session: Session,
  plan: Plan,
  rowsIn: (tables: readonly PlannedTable[]) => Promise<readonly number[]>,
): Promise<Touchable> {
  // plpgsql is in every database, and has no rows.
  if (plan.catalog.extensions.every(({ name }) => name === 'plpgsql'))
    return { plan, leftOut: [], unreadable: [] };
  const found = await session.rows<Found>(foundQuery);
  const state = new Map(found.map((relation) => [display(relation), relation]));
  const closed = (relation: TableRef) => !state.get(display(relation))?.writable;
  const tables = plan.tables.filter(({ table }) => table.configuration !== null && closed(table));
  const sequences = plan.catalog.sequences.filter((sequence) => sequence.configuration && closed(sequence));
  const rows = tables.length === 0 ? [] : await rowsIn(tables);
  const leftOut = (what: string, relation: TableRef): LeftOut => {
    const owner = state.get(display(relation))?.owner;
    const reason = `it belongs to an extension ${owner ? `of ${owner}: staging’s role may not write to it` : 'that staging does not have'}`;
    return { object: `${what} ${display(relation)}`, reason };
  };
  const gone = new Set([...tables.map(({ table }) => table.oid), ...sequences.map(({ oid }) => oid)]);
  const kept = plan.catalog.sequences.filter(({ oid }) => !gone.has(oid));
  return {
    plan: {
      ...plan,
      tables: plan.tables.filter(({ table }) => !gone.has(table.oid)),
      catalog: { ...plan.catalog, sequences: kept },
    },
    leftOut: [
      ...tables.flatMap(({ table }, index) =>
        rows[index] ? leftOut(`${counted(rows[index], 'row')} of TABLE`, table) : [],
      ),
      ...sequences.flatMap((sequence) =>
        sequence.isCalled ? leftOut('position of SEQUENCE', sequence) : [],
      ),
    ],
    unreadable: found.filter(({ readable }) => !readable),
  };
}

interface Found extends TableRef {
  readonly owner: string;
  readonly writable: boolean;
  readonly readable: boolean;
}

// CASE, since has_sequence_privilege() fails for what is no sequence.
const may = (sequence: string, table: string) => `has_schema_privilege(n.oid, 'USAGE') and case c.relkind
  when 'S' then has_sequence_privilege(c.oid, '${sequence}') else has_table_privilege(c.oid, '${table}') end`;

const foundQuery = `
  select nspname::text as schema, relname::text as name, relowner::regrole::text as owner,
  ${may('UPDATE', 'INSERT')} as writable, ${may('SELECT', 'SELECT')} as readable
  from pg_catalog.pg_extension, unnest(extconfig) as configuration (oid)
  join pg_catalog.pg_class c using (oid) join pg_catalog.pg_namespace n on n.oid = relnamespace`;

/** Asks production. */
export async function countRows(production: Session, tables: readonly PlannedTable[]): Promise<number[]> {
  const counts = tables.map(
    ({ table, where }, position) =>
      `select ${position} as position, count(*)::float8 as rows from only ${qualified(table)}${where === null ? '' : ` where (${where}\n)`}`,
  );
  const found = await production.rows<{ rows: number }>(`${counts.join(' union all ')} order by position`);
  return found.map(({ rows }) => rows);
}
