import type { Table } from '../../model/catalog.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import { display, qualified } from '../../model/table.ts';
import type { Step } from './journal.ts';

/**
 * Statistics hold values: those of tables that were changed are made anew, and those of all that they are partitions of,
 * which sample them too.
 */
export function sampleAgain(plan: Plan, changed: readonly PlannedTable[]): Step[] {
  const byOid = new Map(plan.catalog.tables.map((table) => [table.oid, table]));
  const subjects = new Map<number, Table>();
  for (const { table } of changed) {
    for (let each: Table | undefined = table; each; each = byOid.get(each.partitionOf ?? 0))
      subjects.set(each.oid, each);
  }
  return [...subjects.values()].map((table) => ({
    name: `analyze ${display(table)}`,
    statements: [`analyze ${qualified(table)}`],
    weight: table.bytes,
  }));
}

/** What was replaced in the catalogs of statistics lies there until they are rewritten, which a database's owner may do. */
export function forgetOldStatistics(): Step[] {
  return ['pg_catalog.pg_statistic', 'pg_catalog.pg_statistic_ext_data'].map((name) => ({
    name: `rewrite ${name}`,
    statements: [`vacuum (full) ${name}`],
    weight: 1,
    rewrites: name,
  }));
}
