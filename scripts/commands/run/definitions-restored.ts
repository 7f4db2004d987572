import type { Catalog } from '../../model/catalog.ts';
import type { StagingRun } from '../../model/run.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import { createExtensions } from '../../stages/extensions.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { type Destination, makingSettings } from '../../stages/schema/making.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { definitionsMade, restorePostData, restorePreData, restoreSchemas } from '../../stages/schema.ts';
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
  archive: SchemaArchive,
  catalog: Catalog,
): (() => Promise<string>) | undefined {
  if (!openAside) return undefined;
  return async () => {
    const aside = await openAside();
    try {
      return await restoreInto(aside, run, destination, archive, catalog);
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
  catalog: Catalog,
): Promise<string> {
  const to = { ...destination, database: name };
  const partitioned = new Set(catalog.partitionedIndexes);
  {
    await using session = await openStaging(run, name, makingSettings);
    await restoreSchemas(to, session, archive);
    // One that could not be made in the copy can't be made here, and nothing needs it.
    await createExtensions(run, session, async () => undefined, catalog.extensions);
    await restorePreData(to, session, archive, partitioned);
    await restorePostData(to, session, archive, partitioned, new Set(), keysOfPartitions(catalog));
  }
  return await definitionsMade(to);
}
