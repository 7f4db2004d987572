import { type Counted, proofScript } from '../../artifact/script.ts';
import { RefreshError } from '../../model/errors.ts';
import type { Plan } from '../../model/plan.ts';
import type { LoadedTable, Verification } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import { readConstraints, readSequences } from '../../postgres/catalog.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import {
  compareConstraints,
  compareDefinitions,
  compareSequences,
  refuse,
  type SchemaScripts,
} from './comparisons.ts';

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
 * now, sequences, constraints and whether they are validated, every object's definition. What the rows say is proved by
 * the frames' hashes.
 *
 * @throws RefreshError `copy-differs`.
 */
export async function verifyRestored(
  run: StagingRun,
  plan: Plan,
  loaded: readonly LoadedTable[],
  expected: Expected,
  database: string,
  scripts: SchemaScripts,
): Promise<Verified> {
  const loadedRows = new Map(loaded.map((table) => [display(table), table.rows]));
  const differing = plan.tables.flatMap(({ table }) => {
    const [wanted, found] = [expected.rows.get(table.oid) ?? 0, loadedRows.get(display(table)) ?? 0];
    return wanted === found ? [] : [`${display(table)}: ${found} rows loaded, ${wanted} in the artifact`];
  });
  refuse('rows', differing);
  await using session = await openStaging(run, database, { search_path: '' });
  try {
    await session.run(proofScript(expected.counted, expected.madeAt));
  } catch (cause) {
    if (session.lost || !(cause instanceof RefreshError) || !/^incomplete: /.test(cause.message)) throw cause;
    throw new RefreshError('copy-differs', cause.message, { object: 'rows', cause });
  }
  const verification: Verification = {
    method: 'counts',
    tables: plan.tables.length,
    rows: [...expected.rows.values()].reduce((sum, rows) => sum + rows, 0),
    sequences: compareSequences(plan.catalog.sequences, await readSequences(session)),
    constraints: compareConstraints(expected.constraints, await readConstraints(session)),
    schemaEntries: compareDefinitions(scripts),
  };
  run.log.info(
    `as the artifact says: ${verification.rows} rows in ${verification.tables} tables, ${verification.sequences} sequences, ` +
      `${verification.constraints} constraints, ${verification.schemaEntries} definitions`,
  );
  return { database, verification } as Verified;
}
