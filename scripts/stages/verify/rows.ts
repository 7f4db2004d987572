import { RefreshError } from '../../model/errors.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { checksumSettings, readHashedColumns } from '../../postgres/checksum.ts';
import { reading, readingBegins } from '../../postgres/reading.ts';
import { openStaging, type Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import {
  type Columns,
  columnsThatDiffer,
  inProduction,
  inStaging,
  type Measured,
  measure,
  type Twin,
} from './twin.ts';

interface Pair {
  /** Undefined where production's rows are not read again. */
  readonly source: Session | undefined;
  readonly target: Session;
}

/** Small tables are read many to a statement, so that a round trip is not paid for each. */
const readTogetherBytes = 8 * 1024 * 1024;
const readAtOnce = 50;

/**
 * Compares every copied table on both servers: the number of its rows, and with `--verify checksums` what they say.
 * Returns the sum of rows.
 *
 * How many rows production has is what it said when it sent them, under the snapshot: counting them once more would read
 * all of production a second time. Checksums do, under the same snapshot.
 *
 * @param sent rows of each table, by its oid.
 * @throws RefreshError `copy-differs` naming each table that differs, and its columns.
 */
export async function compareRows(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  database: string,
  sent: ReadonlyMap<number, number>,
): Promise<number> {
  const columns = run.config.verify === 'checksums' ? await readHashedColumns(snapshot.session) : undefined;
  const differing: string[] = [];
  let rows = 0n;
  let done = 0;
  const compare = async (pair: Pair, twins: readonly Twin[]) => {
    const { source: reader } = pair;
    const [source, target] = await Promise.all([
      reader ? reading(reader, () => measure(reader, inProduction(twins, columns))) : sentOf(twins, sent),
      measure(pair.target, inStaging(twins, columns)),
    ]);
    for (const [index, twin] of twins.entries()) {
      const [there, here] = [source[index], target[index]];
      rows += there?.rows ?? 0n;
      if (there?.rows !== here?.rows)
        differing.push(`${twin.name}: ${there?.rows} rows in production, ${here?.rows} in staging`);
      else if (there?.checksum !== here?.checksum)
        differing.push(await describeDifference(pair, twin, columns));
      done += twin.sources.length;
    }
    run.log.progress({ label: 'tables compared', done, total: plan.tables.length, unit: 'steps' });
  };
  const tasks = readTogether(twinsOf(plan.tables)).map(
    (twins): Task<Pair> => ({
      name: `compare ${twins.length} tables`,
      weight: twins.reduce((sum, { bytes }) => sum + bytes, 0),
      after: [],
      run: (pair) => compare(pair, twins),
    }),
  );
  await using sessions = new AsyncDisposableStack();
  const pairs = await allDone(
    Array.from({ length: Math.min(run.config.jobs, tasks.length) }, () =>
      openPair(run, columns && snapshot, database, sessions),
    ),
  );
  await runTasks(tasks, pairs);
  if (differing.length > 0) {
    throw new RefreshError('copy-differs', differing.slice(0, 10).join('; '), {
      object: `${differing.length} of ${plan.tables.length} tables`,
      hint: 'nothing was published; run it again, and report it with the log if it happens twice',
    });
  }
  return Number(rows);
}

async function openPair(
  run: Run,
  snapshot: Snapshot | undefined,
  database: string,
  sessions: AsyncDisposableStack,
): Promise<Pair> {
  const settings = Object.entries(checksumSettings).map(([name, value]) => `set ${name} to '${value}'`);
  const read = async () => {
    if (!snapshot) return undefined;
    const source = sessions.use(await snapshot.openReader());
    await source.run([...settings, readingBegins].join(';\n'));
    return source;
  };
  const write = async () => sessions.use(await openStaging(run, database, checksumSettings));
  // In place there is one connection to staging, which each has for a while.
  const [source, target] = await allDone([read(), write()]);
  return { source, target };
}

async function describeDifference(
  { source, target }: Pair,
  twin: Twin,
  columns: Columns | undefined,
): Promise<string> {
  const names = source && columns ? await columnsThatDiffer(source, target, twin, columns) : [];
  // Each column may have production's values in other rows.
  const what = names.length > 0 ? `in ${names.join(', ')}` : 'in how its values go together';
  return `${twin.name}: as many rows as in production, which differ ${what}`;
}

function sentOf(twins: readonly Twin[], sent: ReadonlyMap<number, number>): Measured[] {
  return twins.map(({ sources }) => {
    const rows = sources.reduce((sum, { table }) => sum + (sent.get(table.oid) ?? 0), 0);
    return { rows: BigInt(rows), checksum: undefined };
  });
}

/** Partitions that are loaded through their root may hold other rows here; their sum is what has to agree. */
function twinsOf(tables: readonly PlannedTable[]): Twin[] {
  const groups = Map.groupBy(tables, ({ table }) => display(table.loadThrough ?? table));
  return [...groups].flatMap(([name, sources]) => {
    const [first] = sources;
    if (!first) return [];
    const bytes = sources.reduce((sum, { table }) => sum + table.bytes, 0);
    return { name, sources, first, bytes };
  });
}

function readTogether(twins: readonly Twin[]): Twin[][] {
  const batches: Twin[][] = [];
  let small: Twin[] = [];
  for (const twin of twins) {
    if (twin.bytes > readTogetherBytes) {
      batches.push([twin]);
      continue;
    }
    if (small.length === 0) batches.push(small);
    small.push(twin);
    if (small.length === readAtOnce) small = [];
  }
  return batches;
}
