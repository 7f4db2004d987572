import type { Run } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import { inspect } from '../../stages/preflight.ts';
import type { Stopwatch } from '../../system/stopwatch.ts';
import { buildNext, type Built as Ready } from '../run/build.ts';
import type { Outcome } from '../run/outcome.ts';
import { newRunId } from '../run-scope.ts';
import type { ProvedBackup } from './backup.ts';
import { placeBeside } from './place.ts';

/**
 * Rows that nobody has masked go into a database of their own first, and staging is refreshed from that one as it would
 * be from production: no way around the policy leads through a file.
 */
export async function buildUnderPolicy(
  run: Run,
  server: StagingServer,
  maintenance: Session,
  backup: ProvedBackup,
  stopwatch: Stopwatch,
  outcome: Outcome,
): Promise<Ready> {
  const phase = (name: string) => stopwatch.phase(name);
  const clear = await backup.build(placeBeside(run, server, maintenance), {
    phase,
    loaded: () => undefined,
  });
  try {
    const { staging } = run.config;
    const production = { ...staging, database: clear.site.next.name };
    // Another name than the database with the clear rows has.
    const id = newRunId();
    // Whoever names a file wants its rows, however few they are.
    const config = { ...run.config, production, artifact: undefined, allowShrink: true };
    const refresh: Run = { ...run, id, config };

    phase('preflight');
    const checked = { ...(await inspect(refresh)), maintenance };
    const { verified, makeOwn, site } = await buildNext(refresh, checked, stopwatch, outcome);
    return {
      verified,
      site,
      makeOwn: async () => {
        const hold = await makeOwn();
        // The owners there were our own role alone; the file knows better.
        const leftOut = await clear.handOver(site);
        // What the policy excludes has no privileges to lose.
        outcome.leftOut.push(...leftOut.filter(({ reason }) => !reason.includes('does not exist')));
        return hold;
      },
    };
  } finally {
    await clear.site.discard();
  }
}
