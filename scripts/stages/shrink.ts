import { RefreshError } from '../model/errors.ts';
import { count } from '../model/figures.ts';
import type { Plan } from '../model/plan.ts';
import type { LoadedTable } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import { display } from '../model/table.ts';
import { userSchema } from '../postgres/catalog.ts';
import { openStaging } from '../postgres/run-sessions.ts';

/** Less than this share of what staging has is no week's work: most likely another database's URL. */
const smallestShare = 0.5;

/** Rows of the live staging's tables, by name; none where nobody asks. */
export async function readEstimates(run: Run, live: string): Promise<Estimate[]> {
  if (run.config.allowShrink) return [];
  await using staging = await openStaging(run, live);
  return await staging.rows<Estimate>(estimatesQuery);
}

/**
 * Refuses a production with less than half the rows of the live staging, which is what the last refresh published.
 * Only tables that are copied whole count, on both sides: a new condition in the policy is no shrinking. Staging's
 * numbers are ANALYZE's estimates, which every refresh leaves behind; a table without one counts nothing.
 *
 * @param loaded what was copied, with exact numbers.
 * @param estimates from readEstimates.
 * @throws RefreshError `source-shrunk`, but for `--allow-shrink`.
 */
export function refuseShrunk(
  run: Run,
  plan: Plan,
  loaded: readonly LoadedTable[],
  estimates: readonly Estimate[],
): void {
  if (run.config.allowShrink) return;
  const { now, before } = rowsToCompare(plan, loaded, estimates);
  if (now >= before * smallestShare) return;
  throw new RefreshError(
    'source-shrunk',
    `production has ${count(now)} rows in the tables that are copied whole, staging has about ${count(before)}`,
    {
      object: run.config.production.database,
      hint: 'PRODUCTION_DB_URL most likely names the wrong database, or somebody deleted a lot; if it is right: refresh run --allow-shrink',
    },
  );
}

export interface Estimate {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/** Rows of now and before, without the tables of which the policy takes a part, nothing, or staging's own. */
function rowsToCompare(
  plan: Pick<Plan, 'tables' | 'policy'>,
  loaded: readonly LoadedTable[],
  estimates: readonly Estimate[],
): { readonly now: number; readonly before: number } {
  const partly = plan.tables.filter(
    ({ table, treatment, where }) => treatment !== 'copy' || (where !== null && table.configuration === null),
  );
  const skipped = new Set([
    ...partly.map(({ table }) => display(table)),
    ...(plan.policy?.exclusion.relations ?? []).map(display),
    ...(plan.policy?.preserved ?? []).map(({ table }) => display(table)),
  ]);
  const sum = (tables: readonly Estimate[]) =>
    tables.filter((table) => !skipped.has(display(table))).reduce((rows, table) => rows + table.rows, 0);
  return { now: sum(loaded), before: sum(estimates) };
}

const estimatesQuery = `
  select n.nspname::text as schema, c.relname::text as name, greatest(c.reltuples, 0)::float8 as rows
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'r' and c.relpersistence <> 't'
     and ${userSchema}`;
