import { type Counted, proofScript } from '../../artifact/script.ts';
import { RefreshError } from '../../model/errors.ts';
import { counted } from '../../model/figures.ts';
import type { Plan } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import { readSequences } from '../../postgres/catalog.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { inBatches } from '../../system/batches.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import type { Compared } from '../verify.ts';
import { compareConstraints, compareSequences, refuse } from './comparisons.ts';

const countedAloneRows = 50_000;
const countedAtOnce = 50;

/** What an artifact's index says of the database that it holds. */
export interface Expected {
  /** Rows of each table, by its oid in production. */
  readonly rows: ReadonlyMap<number, number>;
  /** What is counted, and how. */
  readonly counted: readonly Counted[];
  readonly constraints: ReadonlyMap<string, boolean>;
  readonly madeAt: string;
}

/**
 * Compares a restored database with what the artifact's index says: the rows that COPY took and those that are there
 * now, sequences, constraints and whether they are validated; all but the definitions. What the rows say is proved by the
 * frames' hashes.
 *
 * @throws RefreshError `copy-differs`.
 */
export async function compareRestored(
  run: StagingRun,
  plan: Plan,
  loaded: readonly LoadedTable[],
  expected: Expected,
  database: string,
): Promise<Compared> {
  const loadedRows = new Map(loaded.map((table) => [display(table), table.rows]));
  const differing = plan.tables.flatMap(({ table }) => {
    const [wanted, found] = [expected.rows.get(table.oid) ?? 0, loadedRows.get(display(table)) ?? 0];
    return wanted === found ? [] : [`${display(table)}: ${found} rows loaded, ${wanted} in the artifact`];
  });
  refuse('rows', differing);
  await count(run, expected, database);
  await using session = await openStaging(run, database, { search_path: '' });
  return {
    method: 'counts',
    tables: plan.tables.length,
    rows: [...expected.rows.values()].reduce((sum, rows) => sum + rows, 0),
    sequences: compareSequences(plan.catalog.sequences, await readSequences(session)),
    constraints: compareConstraints(expected.constraints, await readConstraints(session)),
  };
}

/** As verifiedCopy. */
export function verifiedRestored(
  run: StagingRun,
  database: string,
  compared: Compared,
  schemaEntries: number,
): Verified {
  const { rows, tables, sequences, constraints } = compared;
  run.log.info(
    `as the artifact says: ${counted(rows, 'row')} in ${counted(tables, 'table')}, ${sequences} sequences, ` +
      `${constraints} constraints, ${schemaEntries} definitions`,
  );
  return { database, verification: { ...compared, schemaEntries } } as Verified;
}

/** Lets the database count what is in it, in as many sessions as the load had. */
async function count(run: StagingRun, { counted, madeAt }: Expected, database: string): Promise<void> {
  const tasks = countedTogether(counted).map(
    (tables): Task<Session> => ({
      name: `count ${tables.length} tables`,
      weight: tables.reduce((sum, { rows }) => sum + rows, 0),
      after: [],
      run: (session) => session.run(proofScript(tables, madeAt)),
    }),
  );
  await using sessions = new AsyncDisposableStack();
  const workers: Session[] = [];
  for (let job = 0; job < Math.min(run.config.jobs, tasks.length); job++)
    workers.push(sessions.use(await openStaging(run, database, { search_path: '' })));
  try {
    await runTasks(tasks, workers);
  } catch (cause) {
    if (!(cause instanceof RefreshError) || !/^incomplete: /.test(cause.message)) throw cause;
    throw new RefreshError('copy-differs', cause.message, { object: 'rows', cause });
  }
}

/** Small tables are counted many to a statement, so that a round trip is not paid for each. */
function countedTogether(counted: readonly Counted[]): Counted[][] {
  const large = counted.filter(({ rows }) => rows >= countedAloneRows);
  const small = counted.filter(({ rows }) => rows < countedAloneRows);
  return [...large.map((table) => [table]), ...inBatches(small, countedAtOnce)];
}
