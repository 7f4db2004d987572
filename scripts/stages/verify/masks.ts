import { RefreshError } from '../../model/errors.ts';
import type { MaskedColumn, Plan, PlannedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display, ident, literal, qualified } from '../../model/table.ts';
import { openStaging, type Snapshot } from '../../postgres/run-sessions.ts';

/** A column in which this many values came out as they went in is not masked, whatever its mask may give by chance. */
const fewestForChance = 20;
/** Masks for which a whole column may rightly come out as it went in: it may hold nothing else already. */
const mayChangeNothing = new Set(['sql', 'fixed', 'choice', 'truncate-date', 'json']);

/**
 * Proves that masks masked, without a clear value leaving production. There, under the snapshot, each row's masked value
 * is compared with its clear one; then the masked values of all rows are added up on both sides, with their rows' keys,
 * so that what staging holds is what was compared; and staging's values have to look as only masked ones do.
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
  await using source = await snapshot.openReader();
  await using target = await openStaging(run, database, { search_path: '' });
  for (const [done, planned] of masked.entries()) {
    const name = display(planned.table);
    run.log.progress({ label: `masks of ${name}`, done, total: masked.length, unit: 'steps' });
    const keys = primaryKey(plan, planned);
    const [there, here] = await Promise.all([
      source.row<Record<string, string | null>>(inProduction(planned, keys), undefined, name),
      target.row<Record<string, string | null>>(inStaging(planned, keys), undefined, name),
    ]);
    for (const [index, column] of planned.masked.entries()) {
      const problem = judge(column, index, there, here, planned.table.loadThrough !== null);
      if (problem) throw failed(`${name}.${column.column}`, problem);
    }
  }
  const columns = masked.reduce((sum, planned) => sum + planned.masked.length, 0);
  run.log.info(`masked and proved: ${columns} columns of ${masked.length} tables`);
}

function judge(
  { equality, mask, shape }: MaskedColumn,
  index: number,
  there: Readonly<Record<string, string | null>>,
  here: Readonly<Record<string, string | null>>,
  spread: boolean,
): string | undefined {
  const values = Number(there[`values${index}`]);
  const same = Number(there[`same${index}`]);
  if (equality === 'never' && same > 0) return `${same} of ${values} values are the clear ones`;
  if (!mayChangeNothing.has(mask) && values >= fewestForChance && same === values)
    return `all ${values} values are the clear ones`;
  // Rows of such partitions may lie in another one here.
  if (!spread && there[`sum${index}`] !== here[`sum${index}`])
    return 'staging holds other values than production made';
  if (shape !== null && Number(here[`odd${index}`]) > 0)
    return `${here[`odd${index}`]} values in staging don’t look like masked ones`;
  return undefined;
}

/** Clear and masked value side by side, for the rows that are copied and masked and have a value. */
function inProduction({ table, masked, masks, where }: PlannedTable, keys: readonly string[]): string {
  const counted = masked.flatMap(({ column, when }, index) => {
    const clear = `${ident(column)}::text`;
    const after = `m${index}::text`;
    const applies = `${ident(column)} is not null${when === null ? '' : ` and (${when}) is not false`}`;
    return [
      `count(*) filter (where ${applies})::text as values${index}`,
      `count(*) filter (where ${applies} and ${after} = ${clear})::text as same${index}`,
      `${sum(after, keys)} as sum${index}`,
    ];
  });
  const made = masked.map(({ column }, index) => `${masks.get(column)} as m${index}`);
  const rows = `select *, ${made.join(', ')} from only ${qualified(table)}${where === null ? '' : ` where ${where}`}`;
  // OFFSET keeps the planner from evaluating a mask once for each of its uses.
  return `select ${counted.join(', ')} from (${rows} offset 0) as made`;
}

function inStaging({ table, masked, whereInStaging }: PlannedTable, keys: readonly string[]): string {
  const counted = masked.flatMap(({ column, shape, when }, index) => {
    const value = `${ident(column)}::text`;
    return [
      `${sum(value, keys)} as sum${index}`,
      ...(shape === null || when !== null
        ? []
        : [`count(*) filter (where ${value} !~ ${literal(shape)})::text as odd${index}`]),
    ];
  });
  const where = whereInStaging === null ? '' : ` where ${whereInStaging}`;
  return `select ${counted.join(', ')} from only ${qualified(table)}${where}`;
}

/** Order doesn't count, and neither do collations or the servers' hash seeds. */
function sum(value: string, keys: readonly string[]): string {
  const parts = [...keys.map((key) => `${ident(key)}::text`), `coalesce(${value}, '')`].join(`, '|', `);
  return `coalesce(sum(('x' || left(md5(concat(${parts})), 15))::bit(60)::int8::numeric), 0)::text`;
}

/** Columns of the primary key that are copied as they are: by them a row is the same on both sides. */
function primaryKey(plan: Plan, { table, masks }: PlannedTable): readonly string[] {
  const constraint = plan.catalog.indexes.find(
    (index) => index.table === table.oid && index.constraint?.kind === 'p',
  );
  return (constraint?.constraint?.columns ?? []).filter((column) => !masks.has(column));
}

function failed(object: string, message: string): RefreshError {
  return new RefreshError('mask-failed', message, {
    object,
    hint: 'nothing was published; give the column another mask, and report it with the policy’s line for it',
  });
}
