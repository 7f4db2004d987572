import type { LeftOut } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import { createNext } from '../../stages/database.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { requireVersion } from '../../stages/restore.ts';
import { loadScript } from '../../stages/script/load.ts';
import type { ProvedScript } from '../../stages/script/proof.ts';
import { verifyScript } from '../../stages/verify/script.ts';
import { discardNext } from '../run-scope.ts';
import type { Built, Listener } from './from-artifact.ts';

/** Carries out somebody's plain dump beside the live database, serially, and proves what can be proved of it. */
export async function buildFromScript(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  script: ProvedScript,
  tell: Listener,
): Promise<Built> {
  const phase = (name: string) => {
    run.signal.throwIfAborted();
    tell.phase(name);
  };
  phase('schema');
  if (script.version) requireVersion(script.file.path, script.version, server.staging);
  // A dump without --create says nothing of the database itself: it gets what staging's has today.
  // "$user" in a search_path stands for whoever owns the objects: a schema that is not there does no harm in it.
  const userSchemas = [...new Set([...script.owners, server.staging.owner])];
  const origin = { locale: server.staging.locale, settings: [], userSchemas };
  const next = await createNext(run, server, maintenance, origin);
  try {
    phase('load');
    const loaded = await loadScript(run, script, server.stagingSuperuser, next);
    phase('verify');
    const { verified, tables } = await verifyScript(run, loaded.rows, next.name);
    tell.loaded(tables);
    return {
      verified,
      next,
      carryOver: async () => ({ carried: [] }),
      // Nothing has been done to it since: with a policy, and so with steps, it is the production of a refresh.
      verifyFinished: async () => undefined,
      handOver: async (database): Promise<LeftOut[]> => {
        const nobody = { owners: [], largeObjects: { comments: [], grants: [] } };
        const { privileges, owners, leftOut } = loaded;
        return [...leftOut, ...(await assignOwners(run, server, nobody, database, privileges, owners))];
      },
    };
  } catch (error) {
    await discardNext(run, next.name);
    throw error;
  }
}
