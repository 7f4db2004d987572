import type { Table } from './catalog.ts';

/** Tells of a partition the table at the root of all, of any other table itself. @param tables of one catalog. */
export function rootsOf(tables: readonly Table[]): (table: Table) => Table {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  return function rootOf(table): Table {
    const parent = table.partitionOf === null ? undefined : byOid.get(table.partitionOf);
    return parent === undefined ? table : rootOf(parent);
  };
}
