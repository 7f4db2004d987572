import type { Table } from '../../model/catalog.ts';
import type { Plan } from '../../model/plan.ts';
import { qualified } from '../../model/table.ts';

/**
 * Which tables ANALYZE is to name. That of a partitioned table visits its partitions, too (manual, ANALYZE), so only the
 * outermost is; but above a foreign table none is, since ANALYZE would ask that table's server.
 */
export class Statistics {
  readonly #byOid: ReadonlyMap<number, Table>;
  readonly #partitions: ReadonlyMap<number | null, Table[]>;

  readonly #analyze: boolean;

  /** @param analyze whether tables get statistics at all. */
  constructor({ catalog }: Plan, analyze: boolean) {
    this.#analyze = analyze;
    this.#byOid = new Map(catalog.tables.map((table) => [table.oid, table]));
    this.#partitions = Map.groupBy(catalog.tables, (table) => table.partitionOf);
  }

  /** The statement for the table, if it is one to be named. */
  statement(table: Table): string | undefined {
    if (!this.#analyze || table.aboveForeign) return undefined;
    const parent = table.partitionOf === null ? undefined : this.#byOid.get(table.partitionOf);
    return parent && !parent.aboveForeign ? undefined : `analyze ${qualified(table)}`;
  }

  /** The partitions with rows that its statement visits. */
  leavesOf(oid: number): Table[] {
    const partitions = this.#partitions.get(oid) ?? [];
    return partitions.flatMap((table) => (table.kind === 'p' ? this.leavesOf(table.oid) : [table]));
  }
}
