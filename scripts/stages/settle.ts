import type { Catalog, Table } from '../model/catalog.ts';
import { asError, RefreshError } from '../model/errors.ts';
import type { LeftOut } from '../model/plan.ts';
import type { StagingRun } from '../model/run.ts';
import { display, literal, qualified } from '../model/table.ts';
import { refusalOf } from '../postgres/failure.ts';
import { catalogSettings, handOnStaging, openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { inBatches } from '../system/batches.ts';

const sequencesAtOnce = 500;

/**
 * What only makes sense once every row is there: sequences go on where production's stood, and materialized views are
 * filled in the order in which they read each other.
 *
 * @param views materialized views in that order: see orderOfViews.
 * @param foreign oids of those that read foreign tables: where their server can't be asked, they stay empty.
 */
export async function settle(
  run: StagingRun,
  catalog: Catalog,
  views: readonly Table[],
  next: { readonly name: string; readonly searchPath: string },
  foreign: ReadonlySet<number> = new Set(),
): Promise<Settled> {
  const session = await openStaging(run, next.name, settleSettings(next));
  try {
    await setSequences(session, catalog);
    return await refreshMaterializedViews(run, session, views, foreign);
  } finally {
    await handOnStaging(run, next.name, session, catalogSettings);
  }
}

export interface Settled {
  /** Materialized views in the order in which they could be filled. */
  readonly filled: readonly Table[];
  readonly leftOut: readonly LeftOut[];
}

export const settleSettings = (next: { readonly searchPath: string }) => ({
  search_path: next.searchPath,
  synchronous_commit: 'off',
  maintenance_work_mem: '128MB',
});

async function setSequences(session: Session, catalog: Catalog): Promise<void> {
  for (const batch of inBatches(catalog.sequences, sequencesAtOnce)) {
    const values = batch.map(
      (sequence) => `(${literal(qualified(sequence))}, ${literal(sequence.lastValue)}, ${sequence.isCalled})`,
    );
    await session.run(
      `select pg_catalog.setval(name::regclass, value::int8, called)
         from (values ${values.join(', ')}) as wanted(name, value, called)`,
      'sequences',
    );
  }
}

/** What a function's body reads is nothing that a catalog knows: a view that came too early is tried again. */
async function refreshMaterializedViews(
  run: StagingRun,
  session: Session,
  views: readonly Table[],
  foreign: ReadonlySet<number>,
): Promise<Settled> {
  const filled: Table[] = [];
  let waiting = views;
  for (;;) {
    const refused = new Map<Table, unknown>();
    for (const view of waiting) {
      run.log.progress({ label: display(view), done: filled.length, total: views.length, unit: 'steps' });
      try {
        const analyze = run.config.analyze ? `; analyze ${qualified(view)}` : '';
        await session.attempt(`refresh materialized view ${qualified(view)}${analyze}`, display(view), true);
        filled.push(view);
      } catch (error) {
        if (session.lost || !(foreign.has(view.oid) || isNotPopulated(error))) throw notFilled(view, error);
        refused.set(view, error);
      }
    }
    if (refused.size === waiting.length) return { filled, leftOut: stayEmpty(refused, foreign) };
    waiting = [...refused.keys()];
  }
}

function stayEmpty(refused: ReadonlyMap<Table, unknown>, foreign: ReadonlySet<number>): LeftOut[] {
  return [...refused].map(([view, error]) => {
    if (!foreign.has(view.oid)) throw error;
    const why = asError(error).message;
    return {
      object: `rows of MATERIALIZED VIEW ${display(view)}`,
      reason: `it reads a foreign table: ${why}`,
    };
  });
}

/** What it holds in production may be older than the rows that its query reads now. */
function notFilled(view: Table, error: unknown): unknown {
  if (!(error instanceof RefreshError) || error.code !== 'statement-failed') return error;
  return new RefreshError(error.code, `the materialized view can’t be filled: ${error.message}`, {
    object: display(view),
    hint: `try REFRESH MATERIALIZED VIEW ${qualified(view)} in production: where it fails there, too, repair the view or its rows; else what the policy masks or leaves out is the reason`,
    cause: error.cause,
  });
}

/** object_not_in_prerequisite_state (manual, appendix A): it reads one that is not filled yet. */
function isNotPopulated(error: unknown): boolean {
  return refusalOf(error) === '55000';
}

/** Oids of the materialized views that read foreign tables, through whatever other views. */
export function foreignViews(
  { tables }: Catalog,
  dependencies: readonly { readonly oid: number; readonly reads: readonly number[] }[],
): Set<number> {
  const foreign = new Set(
    tables.flatMap(({ oid, kind, aboveForeign }) => (kind === 'f' || aboveForeign ? oid : [])),
  );
  const reading = dependencies.filter(({ reads }) => reads.some((oid) => foreign.has(oid)));
  return new Set(reading.map(({ oid }) => oid));
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
