import type { PlannedTable } from '../../model/plan.ts';
import { qualified } from '../../model/table.ts';
import { checksumOf, type HashedColumn } from '../../postgres/checksum.ts';
import type { Session } from '../../postgres/session.ts';

/** The same rows in production and in the next database. */
export interface Twin {
  readonly name: string;
  /** In production: one table, or all partitions that are loaded through one partitioned table. */
  readonly sources: readonly PlannedTable[];
  /** The first of them: its columns stand for all. */
  readonly first: PlannedTable;
  readonly bytes: number;
}

/** Columns of all tables by oid, then by name. */
export type Columns = ReadonlyMap<number, ReadonlyMap<string, HashedColumn>>;

export interface Measured {
  readonly rows: bigint;
  /** Undefined where rows are only counted. */
  readonly checksum: bigint | undefined;
}

/** One table to be read, and for which of the twins. */
interface Reading {
  readonly index: number;
  readonly checksum: string;
  readonly from: string;
}

/** What production would send, masked and filtered. */
export function inProduction(twins: readonly Twin[], columns: Columns | undefined): Reading[] {
  return twins.flatMap((twin, index) =>
    twin.sources.map((source) => ({
      index,
      checksum: checksumOf(hashedColumns(twin, columns), source.masks),
      from: fromProduction(source),
    })),
  );
}

/** What is there now. */
export function inStaging(twins: readonly Twin[], columns: Columns | undefined): Reading[] {
  return twins.map((twin, index) => ({
    index,
    checksum: checksumOf(hashedColumns(twin, columns), new Map()),
    from: fromStaging(twin),
  }));
}

/** Counts, and sums of rows' hashes, by the twins' indexes. */
export async function measure(session: Session, readings: readonly Reading[]): Promise<Measured[]> {
  const selects = readings.map(
    ({ index, checksum, from }) =>
      `select ${index} as index, count(*)::text as count, ${checksum} as checksum from ${from}`,
  );
  const rows = await session.rows<{ index: number; count: string; checksum: string | null }>(
    selects.join(' union all '),
  );
  const result: Measured[] = [];
  for (const { index, count, checksum } of rows) {
    const before = result[index];
    const rowsHere = (before?.rows ?? 0n) + BigInt(count);
    result[index] = {
      rows: rowsHere,
      checksum: checksum === null ? before?.checksum : (before?.checksum ?? 0n) + BigInt(checksum),
    };
  }
  return result;
}

/** Names of the columns whose values, taken by themselves, are not the same on both sides. */
export async function columnsThatDiffer(
  source: Session,
  target: Session,
  twin: Twin,
  columns: Columns,
): Promise<string[]> {
  const all = hashedColumns(twin, columns);
  const none = new Map<string, string>();
  const read = (masks: ReadonlyMap<string, string>, from: string) =>
    all.map((column, index) => ({ index, checksum: checksumOf([column], masks), from }));
  const [there, here] = await Promise.all([
    measure(
      source,
      twin.sources.flatMap((planned) => read(planned.masks, fromProduction(planned))),
    ),
    measure(target, read(none, fromStaging(twin))),
  ]);
  return all.flatMap(({ name }, index) => (there[index]?.checksum === here[index]?.checksum ? [] : name));
}

function fromProduction({ table, where }: PlannedTable): string {
  return `only ${qualified(table)}${condition(where)}`;
}

function fromStaging({ first: { table, whereInStaging } }: Twin): string {
  const from = table.loadThrough ? qualified(table.loadThrough) : `only ${qualified(table)}`;
  return `${from}${condition(whereInStaging)}`;
}

function condition(where: string | null): string {
  return where === null ? '' : ` where ${where}`;
}

/** None where rows are only counted. A generated column follows from the others. */
function hashedColumns({ first: { table } }: Twin, columns: Columns | undefined): HashedColumn[] {
  const known = columns?.get(table.oid);
  return table.columns.flatMap((name) => known?.get(name) ?? []);
}
