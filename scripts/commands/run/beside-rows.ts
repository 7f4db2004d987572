import type { Table } from '../../model/catalog.ts';
import type { Plan } from '../../model/plan.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { type OwnershipFacts, readOwnership } from '../../postgres/identity.ts';
import { noLargeObjects } from '../../postgres/large-objects.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import { readViewDependencies } from '../../postgres/view-dependencies.ts';
import { foreignViews, orderOfViews } from '../../stages/settle.ts';
import { allDone } from '../../system/all-done.ts';

export interface BesideRows {
  readonly views: Table[];
  /** Oids of those that read foreign tables. */
  readonly foreign: ReadonlySet<number>;
  readonly ownership: OwnershipFacts;
  readonly constraints: ReadonlyMap<string, boolean>;
}

/** What waits until the rows are there, and who owns what. */
export async function readBesideRows({ catalog }: Plan, { session }: Snapshot): Promise<BesideRows> {
  const [dependencies, ownership, constraints] = await allDone([
    readViewDependencies(session),
    readOwnership(session),
    readConstraints(session),
  ]);
  // The policy may have left all of them out.
  const largeObjects = catalog.largeObjects.length === 0 ? noLargeObjects : ownership.largeObjects;
  const views = orderOfViews(catalog, dependencies);
  const foreign = foreignViews(catalog, dependencies);
  return { views, foreign, ownership: { ...ownership, largeObjects }, constraints };
}
