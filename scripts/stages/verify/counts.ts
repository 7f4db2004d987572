import { RefreshError } from '../../model/errors.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display, literal, qualified } from '../../model/table.ts';
import { openStaging, type Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';

interface Pair {
  readonly source: Session;
  readonly target: Session;
}

/** Small tables are counted many to a statement, so that a round trip is not paid for each. */
const countedTogetherBytes = 8 * 1024 * 1024;
const countedTogether = 200;

/**
 * Counts every copied table on both servers, production's under the snapshot, and returns the sum.
 *
 * @throws RefreshError `copy-differs` naming each table whose counts differ.
 */
export async function compareCounts(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  database: string,
): Promise<number> {
  const differing: string[] = [];
  let rows = 0;
  let done = 0;
  const count = async (pair: Pair, tables: readonly PlannedTable[]) => {
    const [source, target] = await Promise.all([
      countRows(pair.source, tables),
      countRows(pair.target, tables),
    ]);
    for (const [index, { table }] of tables.entries()) {
      if (source[index] !== target[index]) {
        differing.push(`${display(table)}: ${source[index]} rows in production, ${target[index]} in staging`);
      }
      rows += Number(source[index]);
    }
    done += tables.length;
    run.log.progress({ label: 'tables counted', done, total: plan.tables.length, unit: 'steps' });
  };
  const tasks = inBatches(plan.tables).map(
    (tables): Task<Pair> => ({
      name: `count ${tables.length} tables`,
      weight: tables.reduce((sum, { table }) => sum + table.bytes, 0),
      after: [],
      run: (pair) => count(pair, tables),
    }),
  );
  const pairs = await Promise.all(
    Array.from({ length: Math.min(run.config.jobs, tasks.length) }, async () => ({
      source: await snapshot.openReader(),
      target: await openStaging(run, database),
    })),
  );
  try {
    await runTasks(tasks, pairs);
  } finally {
    await Promise.all(pairs.flatMap(({ source, target }) => [source.close(), target.close()]));
  }
  if (differing.length > 0) {
    throw new RefreshError('copy-differs', differing.slice(0, 10).join('; '), {
      object: `${differing.length} of ${plan.tables.length} tables`,
      hint: 'nothing was published; run it again, and report it with the log if it happens twice',
    });
  }
  return rows;
}

async function countRows(session: Session, tables: readonly PlannedTable[]): Promise<string[]> {
  const counts = tables.map(({ table, where: condition }, index) => {
    // The condition on both sides: staging's table may hold rows that are not ours, such as an extension's own.
    const where = condition === null ? '' : ` where ${condition}`;
    return `select ${literal(String(index))}::int as index, count(*)::text as count from only ${qualified(table)}${where}`;
  });
  const rows = await session.rows<{ index: number; count: string }>(counts.join(' union all '));
  const result: string[] = [];
  for (const { index, count } of rows) result[index] = count;
  return result;
}

function inBatches(tables: readonly PlannedTable[]): PlannedTable[][] {
  const batches: PlannedTable[][] = [];
  let small: PlannedTable[] = [];
  for (const planned of tables) {
    if (planned.table.bytes > countedTogetherBytes) {
      batches.push([planned]);
      continue;
    }
    if (small.length === 0) batches.push(small);
    small.push(planned);
    if (small.length === countedTogether) small = [];
  }
  return batches;
}
