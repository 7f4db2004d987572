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
const countedTogether = 50;

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
      countRows(pair.source, tables, (planned) => planned.where),
      countRows(pair.target, tables, (planned) => planned.whereInStaging),
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
  const tasks = inBatches(countable(plan.tables)).map(
    (tables): Task<Pair> => ({
      name: `count ${tables.length} tables`,
      weight: tables.reduce((sum, { table }) => sum + table.bytes, 0),
      after: [],
      run: (pair) => count(pair, tables),
    }),
  );
  await using sessions = new AsyncDisposableStack();
  const pairs: Pair[] = [];
  for (let job = 0; job < Math.min(run.config.jobs, tasks.length); job++) {
    const source = sessions.use(await snapshot.openReader());
    pairs.push({ source, target: sessions.use(await openStaging(run, database)) });
  }
  await runTasks(tasks, pairs);
  if (differing.length > 0) {
    throw new RefreshError('copy-differs', differing.slice(0, 10).join('; '), {
      object: `${differing.length} of ${plan.tables.length} tables`,
      hint: 'nothing was published; run it again, and report it with the log if it happens twice',
    });
  }
  return rows;
}

/** Partitions that are loaded through their root may hold other rows here; their sum is what has to agree. */
function countable(tables: readonly PlannedTable[]): PlannedTable[] {
  const roots = new Map<string, PlannedTable>();
  const others = tables.filter((planned) => {
    const root = planned.table.loadThrough;
    if (root) {
      const { bytes } = roots.get(display(root))?.table ?? { bytes: 0 };
      const table = { ...planned.table, ...root, kind: 'p' as const, bytes: bytes + planned.table.bytes };
      roots.set(display(root), { ...planned, table });
    }
    return root === null;
  });
  return [...others, ...roots.values()];
}

async function countRows(
  session: Session,
  tables: readonly PlannedTable[],
  conditionOf: (planned: PlannedTable) => string | null,
): Promise<string[]> {
  const counts = tables.map((planned, index) => {
    const { table } = planned;
    const condition = conditionOf(planned);
    const only = table.kind === 'p' ? '' : 'only ';
    const where = condition === null ? '' : ` where ${condition}`;
    return `select ${literal(String(index))}::int as index, count(*)::text as count from ${only}${qualified(table)}${where}`;
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
