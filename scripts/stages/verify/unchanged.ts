import { rootsOf } from '../../model/partition-root.ts';
import type { MaskedColumn, Plan, PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { isWorthAWord, type Total } from './mask-verdict.ts';

/** Columns whose mask may do nothing, by the table at their root: one partition alone says little. */
export class Unchanged {
  readonly #rootOf: ReturnType<typeof rootsOf>;
  readonly #columns = new Map<
    string,
    { readonly mask: string; readonly values: bigint; readonly same: bigint }
  >();

  constructor({ catalog }: Plan) {
    this.#rootOf = rootsOf(catalog.tables);
  }

  /** Values that were counted. @param there as judge has them. */
  counted({ table, masked }: PlannedTable, there: Total): void {
    for (const [index, column] of masked.entries())
      this.#add(table, column, there(`values${index}`), there(`same${index}`));
  }

  /** At least one value that its mask has changed. */
  changed({ table }: PlannedTable, column: MaskedColumn): void {
    this.#add(table, column, 1n, 0n);
  }

  warn(run: Run): void {
    for (const [name, { mask, values, same }] of this.#columns) {
      if (values === 0n || same !== values) continue;
      run.log.warn(`${name}: its mask ${mask} left all ${values} values as they were`);
    }
  }

  #add(table: PlannedTable['table'], column: MaskedColumn, values: bigint, same: bigint): void {
    if (!isWorthAWord(column)) return;
    const name = `${display(this.#rootOf(table))}.${column.column}`;
    const known = this.#columns.get(name) ?? { mask: column.mask, values: 0n, same: 0n };
    this.#columns.set(name, {
      mask: known.mask,
      values: known.values + values,
      same: known.same + same,
    });
  }
}
