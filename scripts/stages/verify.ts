import { counted } from '../model/figures.ts';
import type { Plan } from '../model/plan.ts';
import type { Verification } from '../model/report.ts';
import type { Run, StagingRun } from '../model/run.ts';
import type { Verified } from '../model/verified.ts';
import { readSequences } from '../postgres/catalog.ts';
import { readColumnOrder } from '../postgres/column-order.ts';
import { readConstraintNames, readConstraints } from '../postgres/constraints.ts';
import { fingerprintLargeObjects, largeObjectBatches, listLargeObjects } from '../postgres/large-objects.ts';
import { catalogSettings, handOnStaging, openStaging, type Snapshot } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';
import {
  compareConstraints,
  compareSequences,
  refuse,
  renamedKeys,
  reorderedColumns,
} from './verify/comparisons.ts';
import { compareMasks } from './verify/masks.ts';
import { compareRows } from './verify/rows.ts';

/** What the copy has to have. */
export interface Expected {
  /** Rows that production sent, by their table's oid. */
  readonly rows: ReadonlyMap<number, number>;
  /** Production's constraints, and whether each is validated. */
  readonly constraints: ReadonlyMap<string, boolean>;
}

/** What was found to be equal: all but the definitions. */
export type Compared = Omit<Verification, 'schemaEntries'>;

/**
 * Compares the copy with production while the snapshot still stands: rows per table, their content where `--verify
 * checksums` asks for it, sequences, constraints and whether they are validated, masks.
 *
 * @throws RefreshError `copy-differs`, `mask-failed`.
 */
export async function compareCopy(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  database: string,
  expected: Expected,
): Promise<Compared> {
  const [rows, { sequences, constraints }] = await allDone([
    compareRows(run, plan, snapshot, database, expected.rows),
    compareCatalogs(run, plan, snapshot, database, expected.constraints),
  ]);
  await compareMasks(run, plan, snapshot, database);
  return { method: run.config.verify, tables: plan.tables.length, rows, sequences, constraints };
}

/** Only a copy that was compared, and has every definition, can be published. @param schemaEntries how many it has. */
export function verifiedCopy(
  run: StagingRun,
  database: string,
  compared: Compared,
  schemaEntries: number,
): Verified {
  const { method, rows, tables, sequences, constraints } = compared;
  run.log.info(
    `equal on both sides${method === 'checksums' ? ', by their checksums' : ''}: ${counted(rows, 'row')} in ${counted(tables, 'table')}, ${sequences} sequences, ${constraints} constraints, ${schemaEntries} definitions`,
  );
  return { database, verification: { ...compared, schemaEntries } } as Verified;
}

async function compareCatalogs(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  database: string,
  promised: ReadonlyMap<string, boolean>,
): Promise<{ sequences: number; constraints: number }> {
  const session = await openStaging(run, database, catalogSettings);
  const read = (from: Session) => allDone([readConstraintNames(from), readColumnOrder(from)]);
  try {
    const [values, found, [namesThere, orderThere], [namesHere, orderHere], objects] = await allDone([
      readSequences(session),
      readConstraints(session),
      read(snapshot.session),
      read(session),
      listLargeObjects(session),
    ]);
    const sequences = compareSequences(plan.catalog.sequences, values);
    const constraints = compareConstraints(promised, found);
    const unlike = [...renamedKeys(namesThere, namesHere), ...reorderedColumns(orderThere, orderHere)];
    for (const line of unlike) run.log.warn(line);
    const { largeObjects } = plan.catalog;
    refuse('large objects', largeObjects.length === objects.length ? [] : ['their number']);
    await compareLargeObjects(largeObjects, snapshot.session, session);
    return { sequences, constraints };
  } finally {
    await handOnStaging(run, database, session, catalogSettings);
  }
}

/** What the policy excludes isn't here, and keys of preserved tables are made when their rows are. */
export function withoutPlanned(
  { policy }: Plan,
  constraints: ReadonlyMap<string, boolean>,
): ReadonlyMap<string, boolean> {
  if (!policy) return constraints;
  const { exclusion, laterKeys } = policy;
  const gone = new Set([...exclusion.constraints, ...laterKeys.map(({ constraint }) => constraint)]);
  return new Map([...constraints].filter(([name]) => !gone.has(name)));
}

/** What staging has to have when everything is done: all but what the policy excludes. */
export function withoutExclusion(
  { policy }: Plan,
  constraints: ReadonlyMap<string, boolean>,
): ReadonlyMap<string, boolean> {
  return new Map([...constraints].filter(([name]) => !policy?.exclusion.constraints.has(name)));
}

async function compareLargeObjects(
  oids: readonly number[],
  production: Session,
  copied: Session,
): Promise<void> {
  for (const batch of largeObjectBatches(oids)) {
    const [there, here] = await Promise.all([
      fingerprintLargeObjects(production, batch),
      fingerprintLargeObjects(copied, batch),
    ]);
    refuse('large objects', there === here ? [] : [`contents of ${batch[0]} to ${batch.at(-1)}`]);
  }
}
