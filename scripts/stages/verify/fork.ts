import { RefreshError } from '../../model/errors.ts';
import type { Part, Plan, PlannedTable } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { ForkRun } from '../../model/run.ts';
import { display, qualified } from '../../model/table.ts';
import type { Verified } from '../../model/verified.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import type { Session } from '../../postgres/session.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { compareConstraints, refuse } from './comparisons.ts';
import { afterInPlace, beforeInPlace } from './mask-statements.ts';
import { type Counted, judge, otherValues, primaryKey, total } from './mask-verdict.ts';
import { Unchanged } from './unchanged.ts';

/** What a fork's table had before it was treated, and how many of those rows were left out. */
export interface Before {
  readonly rows: number;
  readonly gone: number;
}

/** What the fork's masks are proved by: taken of clear rows, compared with the masked ones. */
export function clearStatement(plan: Plan): (planned: PlannedTable, part: Part) => string {
  return (planned, part) => beforeInPlace(planned, primaryKey(plan, planned), part);
}

/**
 * Proves that the fork is what the policy says: rows of each table that was touched, masks row by row, constraints that
 * are there and validated as in production. Tables that nothing was done to are what the backup holds.
 *
 * @param hands sessions with an empty search_path.
 * @param before of the tables that were changed, by oid.
 * @param clear what the batches of masks counted, by oid.
 * @throws RefreshError `copy-differs`, `mask-failed`.
 */
export async function verifyFork(
  run: ForkRun,
  hands: readonly Session[],
  plan: Plan,
  constraints: ReadonlyMap<string, boolean>,
  before: ReadonlyMap<number, Before>,
  clear: ReadonlyMap<number, readonly Counted[]>,
): Promise<{ readonly verified: Verified; readonly tables: LoadedTable[] }> {
  const tables: LoadedTable[] = [];
  const differing: string[] = [];
  const unchanged = new Unchanged(plan);
  const tasks = plan.tables.map(
    (planned): Task<Session> => ({
      name: `verify ${display(planned.table)}`,
      weight: planned.table.bytes,
      after: [],
      run: async (session) => {
        const begun = performance.now();
        const known = before.get(planned.table.oid);
        const facts = await readTable(session, planned, known !== undefined);
        const expected = planned.treatment === 'copy' ? known && known.rows - known.gone : 0;
        if (expected !== undefined && facts.rows !== expected)
          differing.push(`${display(planned.table)}: ${facts.rows} rows, and ${expected} were to stay`);
        await proveMasks(session, plan, planned, clear.get(planned.table.oid) ?? [], unchanged);
        tables.push(describe(planned, facts, known, (performance.now() - begun) / 1000));
      },
    }),
  );
  await runTasks(tasks, hands);
  unchanged.warn(run);
  refuse('rows', differing);
  const [session] = hands;
  if (!session) throw new Error('nobody to ask');
  const later = new Set(plan.policy?.laterKeys.map(({ constraint }) => constraint));
  const promised = new Map([...constraints].filter(([name]) => !later.has(name)));
  const compared = compareConstraints(promised, await readConstraints(session));
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  run.log.info(
    `treated as the policy says: ${rows} rows in ${tables.length} tables, ${compared} constraints`,
  );
  const verification = {
    method: 'counts' as const,
    tables: tables.length,
    rows,
    sequences: plan.catalog.sequences.length,
    constraints: compared,
    schemaEntries: 0,
  };
  const verified = { database: run.config.staging.database, verification } as Verified;
  return { verified, tables: tables.sort((one, other) => other.bytes - one.bytes) };
}

async function readTable(
  session: Session,
  { table, treatment }: PlannedTable,
  changed: boolean,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  // Of what nobody has touched the server's own estimate is told: counting it would read all of it.
  const rows =
    changed || treatment !== 'copy'
      ? `(select count(*) from only ${qualified(table)})`
      : '(select greatest(reltuples, 0) from pg_catalog.pg_class where oid = $1::regclass)';
  const found = await session.row<{ rows: number; bytes: number }>(
    `select ${rows}::float8 as rows, pg_catalog.pg_table_size($1::regclass)::float8 as bytes`,
    [qualified(table)],
  );
  return { rows: Math.round(found.rows), bytes: found.bytes };
}

async function proveMasks(
  session: Session,
  plan: Plan,
  planned: PlannedTable,
  clear: readonly Counted[],
  unchanged: Unchanged,
): Promise<void> {
  if (planned.masks.size === 0 || planned.masked.length === 0) return;
  const name = display(planned.table);
  const there = total(clear);
  const after = afterInPlace(planned, primaryKey(plan, planned));
  const here = total([await session.row<Counted>(after, undefined, name)]);
  const sums = there('sum') === here('sum') ? undefined : { column: null, message: otherValues };
  const problem = judge(planned, there, here) ?? sums;
  if (problem) {
    throw new RefreshError('mask-failed', problem.message, {
      object: problem.column === null ? name : `${name}.${problem.column}`,
      hint: 'the fork stays closed; give the column another mask and make a new fork',
    });
  }
  unchanged.counted(planned, there);
}

function describe(
  { table, treatment, masked }: PlannedTable,
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
  before: Before | undefined,
  seconds: number,
): LoadedTable {
  return {
    schema: table.schema,
    name: table.name,
    treatment,
    rows,
    bytes,
    seconds,
    ...(masked.length > 0 && treatment === 'copy'
      ? { masked: masked.map(({ column, mask }) => ({ column, mask })) }
      : {}),
    ...(before && before.gone > 0 ? { rowsLeftOut: before.gone } : {}),
  };
}
