import { basename } from 'node:path';
import { RefreshError } from '../../model/errors.ts';
import type { Run } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { ServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import { requireArrival } from '../../stages/in-place/rights.ts';
import { openLive } from '../run/in-place.ts';
import type { Outcome } from '../run/outcome.ts';
import type { ProvedBackup } from './backup.ts';
import { type Place, placeBeside } from './place.ts';

/** Where the strategy says. */
export function placeOf(
  run: Run,
  server: StagingServer,
  maintenance: Session,
  { stagingBackup: kept }: Outcome,
): Place<Run> {
  if (run.config.strategy !== 'in-place') return placeBeside(run, server, maintenance);
  const checked = { servers: server, maintenance };
  const stagingBackup = kept ? basename(kept.path) : null;
  return {
    run,
    server,
    open: (origin, coming) => openLive({ run, checked, origin, coming, stagingBackup }),
  };
}

/**
 * Proves before staging is touched that what a file says can be made in it by this role.
 *
 * @throws RefreshError `not-permitted`, `protected-database`, `bad-policy`, `locks-insufficient`.
 */
export async function requireRestoreInPlace(
  run: Run,
  { staging, stagingUser }: StagingServer,
  maintenance: Session,
  backup: ProvedBackup,
  tools: ServerTools,
): Promise<void> {
  await requireArrival(run, staging, await backup.arrival(tools));
  if (!backup.clear || !run.config.policy) return;
  const { creates } = await maintenance.row<{ creates: boolean }>(
    'select rolcreatedb or rolsuper as creates from pg_catalog.pg_roles where rolname = current_user',
  );
  if (creates) return;
  throw new RefreshError(
    'not-permitted',
    'rows that no policy has seen yet go through a database of their own first, and the role may not create one',
    {
      object: `staging role ${stagingUser}`,
      hint: 'restore an artifact of a run under the policy, or let an administrator of staging do it',
    },
  );
}
