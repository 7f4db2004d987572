import type { Catalog, Table } from '../model/catalog.ts';
import { RefreshError } from '../model/errors.ts';
import type { StagingRun } from '../model/run.ts';
import { display, literal, qualified } from '../model/table.ts';
import { expectStaging, openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';

const sequencesAtOnce = 500;

/**
 * What only makes sense once every row is there: sequences go on where production's stood, and materialized views are
 * filled in the order in which they read each other.
 *
 * @param views materialized views in that order: see orderOfViews.
 */
export async function settle(
  run: StagingRun,
  catalog: Catalog,
  views: readonly Table[],
  next: { readonly name: string; readonly searchPath: string },
): Promise<void> {
  await using session = await openStaging(run, next.name, settleSettings(next));
  await setSequences(session, catalog);
  await refreshMaterializedViews(run, session, views);
}

export function expectSettlement(
  run: StagingRun,
  next: { readonly name: string; readonly searchPath: string },
): void {
  expectStaging(run, next.name, settleSettings(next));
}

const settleSettings = (next: { readonly searchPath: string }) => ({
  search_path: next.searchPath,
  synchronous_commit: 'off',
  maintenance_work_mem: '128MB',
});

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
  run: StagingRun,
  session: Session,
  views: readonly Table[],
): Promise<void> {
  for (const [index, view] of views.entries()) {
    run.log.progress({ label: display(view), done: index, total: views.length, unit: 'steps' });
    const analyze = run.config.analyze ? `; analyze ${qualified(view)}` : '';
    await session.run(`refresh materialized view ${qualified(view)}${analyze}`, display(view));
  }
}

/** The materialized views that hold rows in production, each after those that it reads. */
export function orderOfViews(
  catalog: Catalog,
  dependencies: readonly { readonly oid: number; readonly reads: readonly number[] }[],
): Table[] {
  const reads = new Map(dependencies.map((view) => [view.oid, view.reads]));
  const ordered: Table[] = [];
  let waiting = catalog.tables.filter((table) => table.kind === 'm' && table.populated);
  while (waiting.length > 0) {
    const waitingOids = new Set(waiting.map((view) => view.oid));
    const ready = waiting.filter((view) => !(reads.get(view.oid) ?? []).some((oid) => waitingOids.has(oid)));
    if (ready.length === 0) {
      throw new RefreshError('protocol-violation', 'materialized views that read each other in a circle', {
        object: waiting.map(display).join(', '),
      });
    }
    ordered.push(...ready);
    waiting = waiting.filter((view) => !ready.includes(view));
  }
  return ordered;
}
