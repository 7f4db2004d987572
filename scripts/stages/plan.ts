import type { Catalog, Table } from '../model/catalog.ts';
import { RefreshError } from '../model/errors.ts';
import { manyTables, type Part, type Plan, type PlannedTable } from '../model/plan.ts';
import type { Policy } from '../model/policy.ts';
import type { Run } from '../model/run.ts';
import { display } from '../model/table.ts';
import { readColumns, readTableFacts } from '../policy/table-facts.ts';
import { readCatalog } from '../postgres/catalog.ts';
import type { Snapshot } from '../postgres/run-sessions.ts';
import { allDone } from '../system/all-done.ts';
import { formatBytes } from '../system/log.ts';
import { collectSoon } from '../system/short-lived-memory.ts';
import { refuseHypertables } from './plan/hypertables.ts';
import { withoutJobs } from './plan/jobs.ts';
import { applyPolicy, warnOfPersonalData } from './plan/policy.ts';

/** A table is split when it is more than this share of what one job has to do: parts cost COPY FREEZE, */
const largeShare = 1;
/** and only when a part is still worth a statement of its own. */
const smallestPart = 16 * 1024 * 1024;

/** Decides what is copied, in which parts and in which order. Reads production's catalog under the snapshot. */
export async function plan(run: Run, snapshot: Snapshot): Promise<Plan> {
  const { policy, strategy } = run.config;
  const treated = policy ? await planByPolicy(run, policy, snapshot) : await planAll(run, snapshot);
  await refuseHypertables(run, snapshot.session, treated.catalog);
  // A fork's are put to sleep where they lie.
  const result = strategy === 'fork' ? treated : withoutJobs(treated);
  run.log.info(
    `${result.tables.length} tables with ${formatBytes(result.bytes)}, ${result.catalog.indexes.length} indexes, ` +
      `${result.catalog.foreignKeys.length} foreign keys, ${result.catalog.sequences.length} sequences`,
  );
  if (result.tables.length === 0 && !run.config.allowShrink) {
    throw new RefreshError('empty-source', 'production has no tables', {
      object: run.config.production.database,
      hint: 'PRODUCTION_DB_URL most likely names the wrong database; if it is right: refresh run --allow-shrink',
    });
  }
  return result;
}

async function planByPolicy(run: Run, policy: Policy, snapshot: Snapshot): Promise<Plan> {
  const { session } = snapshot;
  const [catalog, facts] = await allDone([readCatalog(session), readTableFacts(session)]);
  return await applyPolicy(run, policy, snapshot, planned(run, catalog), facts);
}

async function planAll(run: Run, { session }: Snapshot): Promise<Plan> {
  const [catalog, columns] = await allDone([readCatalog(session), readColumns(session)]);
  const all = planned(run, catalog);
  warnOfPersonalData(run, all, columns);
  return all;
}

function planned(run: Run, catalog: Catalog): Plan {
  if (catalog.tables.length > manyTables) collectSoon();
  return planCopy(catalog, run.config.jobs);
}

/** The same without a server: pure. */
export function planCopy(catalog: Catalog, jobs: number): Plan {
  const fleeting = catalog.fleeting ?? [];
  const unread = new Set(fleeting.map(({ oid }) => oid));
  const copied = catalog.tables
    .filter((table) => table.kind === 'r' && !unread.has(table.oid))
    .sort((a, b) => b.bytes - a.bytes);
  const bytes = copied.reduce((sum, table) => sum + table.bytes, 0);
  const partBytes = Math.max(smallestPart, (bytes / jobs) * largeShare);
  return {
    catalog,
    bytes,
    tables: copied.map((table) => {
      // pg_extension.extcondition begins with WHERE (manual, 36.17.3 "Extension Configuration Tables").
      const where = table.configuration ? table.configuration.replace(/^\s*where\s/i, '') : null;
      return {
        table,
        parts: split(table, partBytes),
        masks: noMasks,
        where,
        whereInStaging: where,
        treatment: 'copy',
        masked: unmasked,
        rowsLeftOut: null,
      };
    }),
    leftOut: fleeting.map((one) => ({
      object: `${one.kind === 'S' ? 'position of UNLOGGED SEQUENCE' : 'rows of UNLOGGED TABLE'} ${display(one)}`,
      reason: 'a replica has none',
    })),
    policy: null,
  };
}

/** One for all tables: an empty map of each of 10,000 is 3 MB. */
const noMasks: PlannedTable['masks'] = new Map();
const unmasked: PlannedTable['masked'] = [];

/** Equal ranges of blocks. The last one is open: the file may have grown since its size was read. */
function split(table: Table, partBytes: number): Part[] {
  const count = table.heap ? Math.min(Math.ceil(table.bytes / partBytes), table.pages) : 1;
  if (count <= 1) return [{ from: null, to: null, bytes: table.bytes }];
  return Array.from({ length: count }, (_, index) => ({
    from: index === 0 ? null : Math.floor((table.pages * index) / count),
    to: index === count - 1 ? null : Math.floor((table.pages * (index + 1)) / count),
    bytes: table.bytes / count,
  }));
}
