import type { Catalog } from '../../model/catalog.ts';

/**
 * Foreign keys of partitions themselves, outermost first. One that is made before its partitioned table's equal key
 * would be taken for that key's child, and staging would have one key less than production.
 */
export function keysOfPartitions(catalog: Catalog): number[] {
  const tables = new Map(catalog.tables.map((table) => [table.oid, table]));
  const parentOf = (oid: number) => tables.get(oid)?.partitionOf ?? null;
  const depth = (oid: number | null): number => (oid === null ? 0 : 1 + depth(parentOf(oid)));
  return catalog.foreignKeys
    .filter((key) => parentOf(key.table) !== null)
    .sort((a, b) => depth(a.table) - depth(b.table))
    .map((key) => key.oid);
}
