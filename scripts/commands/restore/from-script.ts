import type { LeftOut } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import { assignOwners } from '../../stages/ownership.ts';
import { loadScript } from '../../stages/script/load.ts';
import type { ProvedScript } from '../../stages/script/proof.ts';
import { verifyScript } from '../../stages/verify/script.ts';
import { giveOwn } from '../run/last.ts';
import type { Coming } from '../run/site.ts';
import { type Built, type Listener, type Place, phaseOf } from './place.ts';

/** Carries out somebody's plain dump where it is to be, serially, and proves what can be proved of it. */
export async function buildFromScript<SomeRun extends StagingRun>(
  place: Place<SomeRun>,
  script: ProvedScript,
  tell: Listener,
): Promise<Built<SomeRun>> {
  const { server } = place;
  const phase = phaseOf(place, tell);
  phase('schema');
  // A dump without --create says nothing of the database itself: it gets what staging's has today.
  // "$user" in a search_path stands for whoever owns the objects: a schema that is not there does no harm in it.
  const userSchemas = [...new Set([...script.owners, server.staging.owner])];
  const origin = { locale: server.staging.locale, settings: [], userSchemas };
  const site = await place.open(origin, nothingKnown);
  try {
    phase('load');
    const loaded = await loadScript(site.run, script, server.stagingSuperuser, site.next, site.standing);
    phase('verify');
    const { verified, tables } = await verifyScript(site.run, loaded.rows, site.next.name);
    tell.loaded(tables);
    return {
      verified,
      site,
      carryOver: async () => ({ carried: [] }),
      // Nothing has been done to it since: with a policy, and so with steps, it is the production of a refresh.
      verifyFinished: async () => undefined,
      handOver: async ({ run, next }): Promise<LeftOut[]> => {
        const nobody = { owners: [], largeObjects: { comments: [], grants: [] } };
        const { privileges, owners, leftOut } = loaded;
        const missing = await assignOwners(run, server, nobody, next.name, privileges, owners);
        return [...leftOut, ...missing, ...(await giveOwn(run, next, site.before.grants))];
      },
    };
  } catch (error) {
    await site.discard();
    throw error;
  }
}

/** Its statements are heard one by one: what stands already is passed over when they come to it. */
const nothingKnown: Coming = {
  preserved: [],
  tables: [],
  extensions: new Set(),
  schemasNamed: async () => [],
};
