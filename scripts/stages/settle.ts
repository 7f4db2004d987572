import type { Catalog } from '../model/catalog.ts';
import { RefreshError } from '../model/errors.ts';
import type { Run } from '../model/run.ts';
import { display, literal, qualified } from '../model/table.ts';
import { readViewDependencies } from '../postgres/catalog.ts';
import { openStaging, type Snapshot } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';

const sequencesAtOnce = 500;

/**
 * What only makes sense once every row is there: sequences go on where production's stood, materialized views are
 * filled in the order in which they read each other, and partitioned tables get their statistics.
 */
export async function settle(
  run: Run,
  catalog: Catalog,
  snapshot: Snapshot,
  next: { readonly name: string; readonly searchPath: string },
): Promise<void> {
  await using session = await openStaging(run, next.name, {
    search_path: next.searchPath,
    synchronous_commit: 'off',
    maintenance_work_mem: '256MB',
  });
  await setSequences(session, catalog);
  await refreshMaterializedViews(run, session, catalog, snapshot);
  for (const table of catalog.tables) {
    // ANALYZE of a partitioned table visits its partitions too (manual, ANALYZE), so only the topmost is named.
    if (table.kind === 'p' && table.partitionOf === null)
      await session.run(`analyze ${qualified(table)}`, display(table));
  }
}

async function setSequences(session: Session, catalog: Catalog): Promise<void> {
  for (let first = 0; first < catalog.sequences.length; first += sequencesAtOnce) {
    const values = catalog.sequences
      .slice(first, first + sequencesAtOnce)
      .map(
        (sequence) =>
          `(${literal(qualified(sequence))}, ${literal(sequence.lastValue)}, ${sequence.isCalled})`,
      );
    await session.run(
      `select pg_catalog.setval(name::regclass, value::int8, called)
         from (values ${values.join(', ')}) as wanted(name, value, called)`,
      'sequences',
    );
  }
}

async function refreshMaterializedViews(
  run: Run,
  session: Session,
  catalog: Catalog,
  snapshot: Snapshot,
): Promise<void> {
  const populated = new Map(
    catalog.tables
      .filter((table) => table.kind === 'm' && table.populated)
      .map((table) => [table.oid, table]),
  );
  if (populated.size === 0) return;
  const reads = new Map((await readViewDependencies(snapshot.session)).map((view) => [view.oid, view.reads]));
  let waiting = [...populated.values()];
  while (waiting.length > 0) {
    const waitingOids = new Set(waiting.map((view) => view.oid));
    const ready = waiting.filter((view) => !(reads.get(view.oid) ?? []).some((oid) => waitingOids.has(oid)));
    if (ready.length === 0) {
      throw new RefreshError('protocol-violation', 'materialized views that read each other in a circle', {
        object: waiting.map(display).join(', '),
      });
    }
    for (const [index, view] of ready.entries()) {
      run.log.progress({ label: display(view), done: index, total: ready.length, unit: 'steps' });
      await session.run(
        `refresh materialized view ${qualified(view)}; analyze ${qualified(view)}`,
        display(view),
      );
    }
    waiting = waiting.filter((view) => !ready.includes(view));
  }
}
