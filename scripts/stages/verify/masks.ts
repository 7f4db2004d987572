import { RefreshError } from '../../model/errors.ts';
import type { MaskedColumn, Part, Plan, PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { openStaging, type Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { columnSums, inProduction, inStaging } from './mask-statements.ts';

/** A column in which this many values came out as they went in is not masked, whatever its mask may give by chance. */
const fewestForChance = 20;
/** Masks for which a whole column may rightly come out as it went in: it may hold nothing else already. */
const mayChangeNothing = new Set(['sql', 'fixed', 'choice', 'truncate-date', 'json']);

interface Pair {
  readonly source: Session;
  readonly target: Session;
}

export type Counted = Readonly<Record<string, string | null>>;

/**
 * Proves that masks masked, without a clear value leaving production. There, under the snapshot, each row's masked value
 * is compared with its clear one; the masked values of all rows are added up on both sides, with their rows' keys, so
 * that what staging holds is what was compared; and staging's values have to look as only masked ones do. One pass over
 * each table on each side, in the parts in which it was copied.
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
  const found = new Map<PlannedTable, { there: Counted[]; here: Counted[] }>();
  const tasks = masked.flatMap((planned) => {
    const name = display(planned.table);
    const keys = primaryKey(plan, planned);
    const counted = { there: [] as Counted[], here: [] as Counted[] };
    found.set(planned, counted);
    const task = (part: Part, work: (pair: Pair) => Promise<void>): Task<Pair> => ({
      name: `masks of ${name}`,
      weight: part.bytes * planned.masked.length,
      after: [],
      run: work,
    });
    const ask = async (session: Session, sql: string) => await session.row<Counted>(sql, undefined, name);
    return [
      ...planned.parts.map((part) =>
        task(part, async ({ source }) => {
          counted.there.push(await ask(source, inProduction(planned, keys, part)));
        }),
      ),
      task({ from: null, to: null, bytes: planned.table.bytes / 4 }, async ({ target }) => {
        counted.here.push(await ask(target, inStaging(planned, keys)));
      }),
    ];
  });
  run.log.progress({ label: 'masks', done: 0, total: masked.length, unit: 'steps' });
  await using sessions = new AsyncDisposableStack();
  const open = async (): Promise<Pair> => {
    const read = async () => sessions.use(await snapshot.openReader());
    const write = async () => sessions.use(await openStaging(run, database, { search_path: '' }));
    const [source, target] = await allDone([read(), write()]);
    return { source, target };
  };
  const pairs = await allDone(Array.from({ length: Math.min(run.config.jobs, tasks.length) }, open));
  await runTasks(tasks, pairs);
  for (const [planned, { there, here }] of found) {
    const problem = judge(planned, total(there), total(here));
    const [pair] = pairs;
    if (problem && pair) throw await failed(plan, planned, problem, pair);
    warnOfUnchanged(run, planned, total(there));
  }
  const columns = masked.reduce((sum, planned) => sum + planned.masked.length, 0);
  run.log.info(`masked and proved: ${columns} columns of ${masked.length} tables`);
}

export interface Problem {
  readonly column: string | null;
  readonly message: string;
}

/** What speaks against a table's masks, by what was counted before and what stands there. */
export function judge({ masked, table }: PlannedTable, there: Total, here: Total): Problem | undefined {
  for (const [index, column] of masked.entries()) {
    const message = judgeColumn(column, index, there, here);
    if (message) return { column: column.column, message };
  }
  // Rows of such partitions may lie in another one here.
  if (table.loadThrough !== null || there('sum') === here('sum')) return undefined;
  return { column: null, message: 'staging holds other masked values than production made' };
}

function judgeColumn(
  { equality, mask, shape }: MaskedColumn,
  index: number,
  there: Total,
  here: Total,
): string | undefined {
  const values = there(`values${index}`);
  const same = there(`same${index}`);
  if (equality === 'never' && same > 0n) return `${same} of ${values} values are the clear ones`;
  if (!mayChangeNothing.has(mask) && values >= fewestForChance && same === values)
    return `all ${values} values are the clear ones`;
  const odd = shape === null ? 0n : here(`odd${index}`);
  return odd > 0n ? `${odd} values in staging don’t look like masked ones` : undefined;
}

/** What an expression or a path does is the policy's to decide; that it does nothing is worth a word. */
export function warnOfUnchanged(run: Run, { table, masked }: PlannedTable, there: Total): void {
  for (const [index, { column, mask }] of masked.entries()) {
    const values = there(`values${index}`);
    if ((mask !== 'sql' && mask !== 'json') || values === 0n || there(`same${index}`) !== values) continue;
    run.log.warn(`${display(table)}.${column}: its mask ${mask} left all ${values} values as they were`);
  }
}

export type Total = (name: string) => bigint;

/** The parts' counts and sums, added up. */
export function total(parts: readonly Counted[]): Total {
  return (name) => parts.reduce((sum, part) => sum + BigInt(part[name] ?? '0'), 0n);
}

/** Columns of the primary key that are copied as they are: by them a row is the same on both sides. */
export function primaryKey(plan: Plan, { table, masks }: PlannedTable): readonly string[] {
  const constraint = plan.catalog.indexes.find(
    (index) => index.table === table.oid && index.constraint?.kind === 'p',
  );
  return (constraint?.constraint?.columns ?? []).filter((column) => !masks.has(column));
}

/** Where only the sums differ, each column is asked again by itself: a failure may take its time. */
async function failed(
  plan: Plan,
  planned: PlannedTable,
  { column, message }: Problem,
  { source, target }: Pair,
): Promise<RefreshError> {
  const name = display(planned.table);
  let differing = column;
  if (differing === null) {
    const statements = columnSums(planned, primaryKey(plan, planned));
    const [there, here] = await Promise.all([
      source.row<Counted>(statements.production, undefined, name),
      target.row<Counted>(statements.staging, undefined, name),
    ]);
    const differs = (_: MaskedColumn, index: number) => there[`sum${index}`] !== here[`sum${index}`];
    differing = planned.masked.find(differs)?.column ?? null;
  }
  return new RefreshError('mask-failed', message, {
    object: differing === null ? name : `${name}.${differing}`,
    hint: 'nothing was published; give the column another mask, and report it with the policy’s line for it',
  });
}
