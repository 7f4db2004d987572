import type { MaskedColumn, Plan, PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { maskFailed } from '../../postgres/clear-value.ts';
import { reading } from '../../postgres/reading.ts';
import { openStaging, type Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { countInProduction, lookInStaging, sampleInProduction } from './mask-statements.ts';
import {
  type Counted,
  judge,
  otherValues,
  type Problem,
  primaryKey,
  saysSomethingOfAll,
  type Total,
  total,
} from './mask-verdict.ts';
import { Unchanged } from './unchanged.ts';

interface Pair {
  readonly source: Session;
  readonly target: Session;
}

/** What some of production's rows say, masked. */
interface Sample {
  readonly [differs: `differs${number}`]: boolean | null;
  /** Of the masked rows, as an array of int8; null where there are none. */
  readonly hashes: string | null;
}

/**
 * Completes the proof of the masks, without a clear value leaving production. That a mask which never gives what it got
 * has not given it is proved of each value by the COPY that sends it: see policy/masks/clear-value.ts. Here production
 * masks some rows of each table once more, not all: a mask that may give what it got by chance has changed something,
 * or all of its column is counted; and staging has these rows as they are masked. All of staging's values have to look
 * as only masked ones do.
 *
 * @throws RefreshError `mask-failed` naming table, column and number of rows.
 */
export async function compareMasks(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  database: string,
): Promise<void> {
  const masked = plan.tables.filter((planned) => planned.masked.length > 0);
  if (masked.length === 0) return;
  const unchanged = new Unchanged(plan);
  let done = 0;
  const tell = () => run.log.progress({ label: 'masks', done: done++, total: masked.length, unit: 'steps' });
  const tasks = masked.map(
    (planned): Task<Pair> => ({
      name: `masks of ${display(planned.table)}`,
      weight: planned.table.bytes,
      after: [],
      run: async (pair) => {
        await reading(pair.source, () => compareTable(plan, planned, pair, unchanged));
        tell();
      },
    }),
  );
  tell();
  await using sessions = new AsyncDisposableStack();
  const open = async (): Promise<Pair> => {
    const read = async () => sessions.use(await snapshot.openReader());
    const write = async () => sessions.use(await openStaging(run, database, { search_path: '' }));
    const [source, target] = await allDone([read(), write()]);
    return { source, target };
  };
  await runTasks(tasks, await allDone(Array.from({ length: Math.min(run.config.jobs, tasks.length) }, open)));
  unchanged.warn(run);
  const columns = masked.reduce((sum, planned) => sum + planned.masked.length, 0);
  run.log.info(`masked and proved: ${columns} columns of ${masked.length} tables`);
}

async function compareTable(
  plan: Plan,
  planned: PlannedTable,
  pair: Pair,
  unchanged: Unchanged,
): Promise<void> {
  const name = display(planned.table);
  const keys = primaryKey(plan, planned);
  const sample = await sampleOf(pair.source, planned, keys);
  const differs = (_: MaskedColumn, index: number) => sample[`differs${index}`] === true;
  for (const column of planned.masked.filter(differs)) unchanged.changed(planned, column);
  const masked = planned.masked.filter(
    (column, index) => saysSomethingOfAll(column) && !differs(column, index),
  );
  if (masked.length > 0) {
    const undecided = { ...planned, masked };
    const there = total([await pair.source.row<Counted>(countInProduction(undecided), undefined, name)]);
    refuse(name, judge(undecided, there, nothing));
    unchanged.counted(undecided, there);
  }
  const look = lookInStaging(planned, keys, sample.hashes ?? '{}');
  const here = total([await pair.target.row<Counted>(look, undefined, name)]);
  refuse(name, judge(planned, nothing, here));
  if (isThere(planned, sample, here)) return;
  refuse(name, { column: await differingColumn(planned, keys, pair), message: otherValues });
}

const nothing: Total = () => 0n;

async function sampleOf(source: Session, planned: PlannedTable, keys: readonly string[]): Promise<Sample> {
  // Hashing the other tables of a subset for a few hundred rows would cost as much as for all of them.
  const filtered = planned.where !== null;
  if (filtered) await source.run('set local enable_nestloop to on');
  const sample = await source.row<Sample>(
    sampleInProduction(planned, keys),
    undefined,
    display(planned.table),
  );
  if (filtered) await source.run('set local enable_nestloop to off');
  return sample;
}

function isThere({ table }: PlannedTable, { hashes }: Sample, here: Total): boolean {
  const rows = hashes === null ? 0 : hashes.split(',').length;
  // Rows of partitions that are loaded through their root may lie in another one here.
  return table.loadThrough !== null || here('found') === BigInt(rows);
}

/** Each column is asked again by itself: a failure may take its time. */
async function differingColumn(
  planned: PlannedTable,
  keys: readonly string[],
  { source, target }: Pair,
): Promise<string | null> {
  for (const column of planned.masked) {
    const alone = { ...planned, masked: [column] };
    const sample = await sampleOf(source, alone, keys);
    const look = lookInStaging(alone, keys, sample.hashes ?? '{}');
    if (!isThere(alone, sample, total([await target.row<Counted>(look)]))) return column.column;
  }
  return null;
}

function refuse(name: string, problem: Problem | undefined): void {
  if (problem) throw maskFailed(problem.message, name, problem.column);
}
