import type { Table } from '../model/catalog.ts';
import { display } from '../model/table.ts';
import type { Masking } from './masking.ts';
import type { TableFacts } from './table-facts.ts';

/** What else may hold a masked column's clear value. */
export interface ClearCopies {
  /** Copied as they are: text-search columns that a trigger or the application fills from columns that are masked. */
  readonly warnings: readonly string[];
  /** Made anew from masked values: worth knowing, since they find and order other things than in production. */
  readonly notes: readonly string[];
}

export function findClearCopies(
  subjects: readonly { readonly table: Table }[],
  masking: Masking,
  facts: TableFacts,
): ClearCopies {
  const warnings: string[] = [];
  const notes: string[] = [];
  for (const { table } of subjects) {
    const masks = masking.get(table.oid);
    const masked = [...(masks ?? [])].flatMap(([name, { rule }]) => (rule.mask === 'keep' ? [] : name));
    if (!masks || masked.length === 0) continue;
    for (const column of facts.columns.get(table.oid)?.values() ?? []) {
      if (column.type !== 'tsvector' || column.generated || masks.has(column.name)) continue;
      if (table.partitionOf !== null) continue;
      warnings.push(
        `${display(table)}.${column.name} is copied as it is and may hold the words of ${masked.join(', ')}: mask it, too, { fixed: "" }, or say { keep: "why" }`,
      );
    }
    for (const { object, columns } of facts.derived.filter((derived) => derived.table === table.oid)) {
      const from = columns.filter((name) => masked.includes(name));
      if (from.length > 0)
        notes.push(`${object} is made anew, from the masked ${from.join(', ')} of ${display(table)}`);
    }
  }
  return { warnings, notes };
}
