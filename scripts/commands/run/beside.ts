import type { StagingRun } from '../../model/run.ts';
import { cutAhead } from '../../postgres/ahead.ts';
import { catalogSettings, maintenanceAhead, openStaging } from '../../postgres/run-sessions.ts';
import { replaced } from '../../postgres/swap.ts';
import { createNext } from '../../stages/database.ts';
import { openLiveRows } from '../../stages/preserve.ts';
import { prunePrevious } from '../../stages/prune.ts';
import { publish } from '../../stages/publish.ts';
import { allDone } from '../../system/all-done.ts';
import { discardNext, newRunId } from '../run-scope.ts';
import { readBefore } from './before.ts';
import type { Ground, Site } from './site.ts';

/** Makes an empty database beside the live one, which takes its place by two renames. */
export async function openBeside<SomeRun extends StagingRun>({
  run,
  checked,
  origin,
  ready,
}: Ground<SomeRun>): Promise<Site<SomeRun>> {
  const { servers, maintenance } = checked;
  const live = servers.staging.name;
  const beforeOfLive = async () => {
    await using session = await openStaging(run, live, catalogSettings);
    return await readBefore(session);
  };
  const [next, before] = await allDone([
    createNext(run, servers, maintenance, origin, ready),
    beforeOfLive(),
  ]);
  return {
    run,
    next,
    before,
    standing: { schemas: new Set(), schemaNames: new Set(), extensions: new Set() },
    definitions: (script) => script,
    openOwnRows: () => openLiveRows(run, live),
    publish: async (verified, hold) => {
      // Whoever is connected to the new database is in the way of its renaming.
      await cutAhead(run.signal, (what) => what === maintenanceAhead);
      return await publish(run, servers, maintenance, verified, hold);
    },
    witness: () => replaced(servers.staging),
    openAside: async () => {
      // What could not be set for `next` was told then.
      const log = { ...run.log, warn: () => undefined };
      const other = { ...run, log, id: newRunId() };
      const { name } = await createNext(other, servers, maintenance, origin);
      return { name, discard: () => discardNext(run, name) };
    },
    discard: () => discardNext(run, next.name),
    prune: async () => {
      await prunePrevious(run, maintenance, live);
    },
  };
}
