import type { PlannedTable } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';

/** Counts what has passed, for the progress line and the report. */
export class Tally {
  readonly #run: StagingRun;
  /** Bytes of the heaps, which the COPY data comes near to. */
  readonly #total: number;
  readonly #tables = new Map<number, LoadedTable>();
  #bytes = 0;

  constructor(run: StagingRun, total: number) {
    this.#run = run;
    this.#total = total;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const label = `${this.#tables.size} tables loaded`;
    const total = Math.max(this.#total, this.#bytes);
    this.#run.log.progress({ label, done: this.#bytes, total, unit: 'bytes' });
  }

  loaded(
    { table, treatment, masked, rowsLeftOut }: PlannedTable,
    rows: number,
    bytes: number,
    seconds: number,
  ): void {
    const sofar = this.#tables.get(table.oid);
    this.#tables.set(table.oid, {
      schema: table.schema,
      name: table.name,
      treatment,
      ...(masked.length > 0 ? { masked: masked.map(({ column, mask }) => ({ column, mask })) } : {}),
      ...(rowsLeftOut ? { rowsLeftOut: rowsLeftOut.rows } : {}),
      rows: (sofar?.rows ?? 0) + rows,
      bytes: (sofar?.bytes ?? 0) + bytes,
      seconds: (sofar?.seconds ?? 0) + seconds,
    });
  }

  /** Largest first. */
  tables(): LoadedTable[] {
    return [...this.#tables.values()].sort((a, b) => b.bytes - a.bytes);
  }
}
