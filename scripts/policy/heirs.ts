import type { Subject } from './masking.ts';
import type { SubsetKey } from './subset.ts';
import type { Heir, TableFacts } from './table-facts.ts';

/** A table's rows are also its parents': what leaves them out there leaves them out here, unless its own rule says which. */
export function inheritConditions(subjects: readonly Subject[], heirs: readonly Heir[]): Subject[] {
  const rules = new Map(subjects.map(({ table, rule }) => [table.oid, rule]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const { table, parent } of heirs) {
      const [own, above] = [rules.get(table), rules.get(parent)];
      if (!own || !above || own.treatment !== 'copy' || own.where !== null || above.where === null) continue;
      rules.set(table, { ...own, where: above.where });
      changed = true;
    }
  }
  return subjects.map(({ table }) => ({ table, rule: rules.get(table.oid) }));
}

/**
 * The same along keys: PostgreSQL gives what inherits none of its parent's, and no key to a table finds what inherits from
 * that. Nobody has checked such a key, so a reference that leads nowhere is no reason to leave a row out.
 */
export function inheritKeys(
  keys: readonly SubsetKey[],
  subjects: readonly Subject[],
  { heirs, columns }: TableFacts,
): SubsetKey[] {
  const tables = new Map(subjects.map(({ table }) => [table.oid, table]));
  const heirsOf = Map.groupBy(heirs, ({ parent }) => parent);
  const all = [...keys];
  const identity = (key: SubsetKey) => JSON.stringify([key.table, key.columns, key.references]);
  const known = new Set(keys.map(identity));
  const add = (key: SubsetKey) => {
    if (!tables.has(key.table) || !tables.has(key.references) || known.has(identity(key))) return;
    known.add(identity(key));
    all.push(key);
  };
  // Those that are added lead to further ones.
  for (const key of all) {
    for (const { table } of heirsOf.get(key.table) ?? []) {
      const nullable = key.columns.filter((name) => !columns.get(table)?.get(name)?.notNull);
      add({ ...key, table, nullable, validated: false });
    }
    if (key.validated) continue;
    for (const { table } of heirsOf.get(key.references) ?? [])
      if (tables.get(table)?.partitionOf === null) add({ ...key, references: table });
  }
  return all;
}
