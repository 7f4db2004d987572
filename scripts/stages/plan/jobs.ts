import type { Plan, PlannedTable } from '../../model/plan.ts';
import type { TableRef } from '../../model/table.ts';

/** pg_cron's list of jobs, where it is the extension's own. */
const isJobList = ({ table }: PlannedTable) =>
  table.configuration !== null && table.schema === 'cron' && table.name === 'job';

/** What TimescaleDB keeps of its own: jobs, and what it knows of its installation. */
const isTimescales = ({ schema }: TableRef) => schema.startsWith('_timescaledb_');

/**
 * Production's jobs must not act in staging as they do in production. Those of pg_cron arrive asleep, or not at all from
 * a version without `active`; TimescaleDB's own tables stay as its staging installation has made them.
 */
export function withoutJobs(plan: Plan): Plan {
  const tables = plan.tables.filter(({ table }) => !isTimescales(table)).map(asleep);
  const left = {
    object: 'rows of TimescaleDB’s own tables, its jobs among them',
    reason: 'nothing may act in staging as in production',
  };
  return {
    ...plan,
    catalog: {
      ...plan.catalog,
      sequences: plan.catalog.sequences.filter((sequence) => !isTimescales(sequence)),
    },
    tables,
    leftOut: tables.length === plan.tables.length ? plan.leftOut : [...plan.leftOut, left],
  };
}

function asleep(planned: PlannedTable): PlannedTable {
  if (!isJobList(planned)) return planned;
  if (!planned.table.columns.includes('active'))
    return { ...planned, where: 'false', whereInStaging: 'false' };
  return { ...planned, masks: new Map([...planned.masks, ['active', 'false']]) };
}
