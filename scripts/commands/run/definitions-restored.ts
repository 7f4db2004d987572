import type { Catalog, Extension } from '../../model/catalog.ts';
import type { StagingRun } from '../../model/run.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { createExtensions } from '../../stages/extensions.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { definitionsMade } from '../../stages/schema/made.ts';
import { type Destination, makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { restorePostData, restorePreData, restoreSchemas } from '../../stages/schema.ts';
import type { Aside, Site } from './site.ts';

/**
 * What staging's server says of these definitions after a restore of them and of nothing else. It may be other words than
 * production's: PostgreSQL does not always say an expression as it was told it, and each version has its ways.
 *
 * @returns undefined where there is no place for it.
 */
export function definitionsRestored(
  { run, openAside }: Pick<Site<StagingRun>, 'run' | 'openAside'>,
  destination: Destination,
  archive: () => SchemaArchive,
  catalog: Catalog,
): (() => Promise<string>) | undefined {
  if (!openAside) return undefined;
  const { extensions, partitionedIndexes } = catalog;
  return restoring(run, openAside, destination, archive, {
    extensions,
    partitioned: new Set(partitionedIndexes),
    keys: keysOfPartitions(catalog),
  });
}

/** As much of the catalog as it takes: this stays when the rest is let go. */
interface Needed {
  readonly extensions: readonly Extension[];
  readonly partitioned: ReadonlySet<number>;
  /** See keysOfPartitions. */
  readonly keys: readonly number[];
}

function restoring(
  run: StagingRun,
  openAside: () => Promise<Aside>,
  destination: Destination,
  archive: () => SchemaArchive,
  needed: Needed,
): () => Promise<string> {
  return async () => {
    const aside = await openAside();
    try {
      return await restoreInto(aside, run, destination, archive(), needed);
    } finally {
      await aside.discard();
    }
  };
}

async function restoreInto(
  { name }: Aside,
  run: StagingRun,
  destination: Destination,
  archive: SchemaArchive,
  { extensions, partitioned, keys }: Needed,
): Promise<string> {
  const to = { ...destination, database: name };
  {
    await using session = await openStaging(run, name, makingSettings);
    await restoreSchemas(to, session, archive);
    // One that could not be made in the copy can't be made here, and nothing needs it.
    await createExtensions(run, session, async () => undefined, extensions);
    await restorePreData(to, session, archive, partitioned);
    await restorePostData(to, session, archive, partitioned, new Set(), keys);
  }
  return await definitionsMade(to);
}
