import { RefreshError } from '../../model/errors.ts';
import type { MaskedColumn, PlannedTable, PolicyPlan } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import { display, ident, literal, qualified, type TableRef } from '../../model/table.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { sequencesBehind } from '../../postgres/numbering.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { refuse } from './comparisons.ts';

interface Counted {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/** Masked columns of a table whose values can be told by their shape. */
export interface Shaped {
  readonly table: TableRef;
  readonly masked: readonly MaskedColumn[];
}

/** What of a plan is looked at once more: nothing else of it has to be kept until then. */
export function shapedColumns(tables: readonly Pick<PlannedTable, 'table' | 'masked'>[]): Shaped[] {
  return tables.flatMap(({ table: { schema, name }, masked }) => {
    const shaped = masked.filter(({ shape, when }) => shape !== null && when === null);
    return shaped.length === 0 ? [] : [{ table: { schema, name }, masked: shaped }];
  });
}

/**
 * Looks once more at the whole database before it is published, with staging's own rows in it and the team's steps done:
 * constraints as in production, the rows that were carried over, masked columns, sequences. What the team's own files or
 * command may have changed on purpose is a warning; without any such step it is a failure.
 *
 * @param constraints production's, as postgres/catalog.ts names them, and whether each is validated.
 * @throws RefreshError `copy-differs`, `preserve-failed`, `mask-failed`.
 */
export async function verifyFinished(
  run: StagingRun,
  shaped: readonly Shaped[],
  policy: Pick<PolicyPlan, 'preserved'> & {
    readonly beforePublish: Pick<PolicyPlan['beforePublish'], 'sql' | 'command'>;
  },
  constraints: ReadonlyMap<string, boolean>,
  carried: readonly Counted[],
  database: string,
): Promise<void> {
  await using session = await openStaging(run, database, { search_path: '' });
  const { sql, command } = policy.beforePublish;
  const steps = sql.length > 0 || command !== null;
  const judge = (object: string, message: string, code: 'preserve-failed' | 'mask-failed') => {
    if (!steps) throw new RefreshError(code, message, { object, hint: 'nothing was published' });
    run.log.warn(`${object}: ${message}, after the policy’s own steps`);
  };
  const rowsOf = new Map(carried.map((table) => [display(table), table.rows]));
  await checkConstraints(run, session, constraints, steps);
  for (const { table, rows } of policy.preserved) {
    const expected = rowsOf.get(display(table)) ?? 0;
    if (expected === 0 || !(await isTable(session, qualified(table)))) continue;
    const { found } = await session.row<{ found: number }>(
      `select count(*)::float8 as found from only ${qualified(table)} where (${rows}\n)`,
      undefined,
      display(table),
    );
    if (found < expected)
      judge(display(table), `${expected} rows were carried over, and ${found} are there`, 'preserve-failed');
    refuse('sequences', await sequencesBehind(session, table));
  }
  for (const { table, masked } of shaped) {
    if (!(await isTable(session, qualified(table)))) continue;
    // Staging's own rows are as staging has them.
    const own = rowsOf.get(display(table)) ?? 0;
    for (const { column, shape } of masked) {
      const { odd } = await session.row<{ odd: number }>(
        `select count(*)::float8 as odd from only ${qualified(table)} where ${ident(column)}::text !~ ${literal(shape ?? '')}`,
        undefined,
        display(table),
      );
      if (odd > own)
        judge(
          `${display(table)}.${column}`,
          `${odd - own} values don’t look like masked ones`,
          'mask-failed',
        );
    }
  }
}

async function checkConstraints(
  run: StagingRun,
  session: Session,
  constraints: ReadonlyMap<string, boolean>,
  steps: boolean,
): Promise<void> {
  const here = await readConstraints(session);
  const missing = [...constraints.keys()].filter((name) => !here.has(name));
  if (!steps) refuse('constraints', missing);
  else if (missing.length > 0)
    run.log.warn(
      `the policy’s own steps have taken away ${missing.length} of production’s constraints: ${missing.slice(0, 5).join(', ')}`,
    );
  refuse(
    'constraints that are not validated',
    [...constraints].flatMap(([name, validated]) => (validated && here.get(name) === false ? name : [])),
  );
}

/** A migration may have taken the table away, or given it another name. */
async function isTable(session: Session, name: string): Promise<boolean> {
  const { there } = await session.row<{ there: boolean }>('select to_regclass($1) is not null as there', [
    name,
  ]);
  return there;
}
