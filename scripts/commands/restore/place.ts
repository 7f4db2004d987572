import type { LeftOut } from '../../model/plan.ts';
import type { BeforePublish } from '../../model/policy.ts';
import type { Work } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Verified } from '../../model/verified.ts';
import type { Session } from '../../postgres/session.ts';
import type { DatabaseOrigin } from '../../stages/database.ts';
import type { Loaded } from '../../stages/load.ts';
import type { Preserved } from '../../stages/preserve.ts';
import { giveBack } from '../../system/short-lived-memory.ts';
import { openBeside } from '../run/beside.ts';
import type { Coming, Site } from '../run/site.ts';

/** Where a file is loaded. */
export interface Place<SomeRun extends StagingRun = StagingRun> {
  readonly run: SomeRun;
  readonly server: StagingServer;
  /** Begins the site, which is the loader's from then on. */
  open(origin: DatabaseOrigin, coming: Coming): Promise<Site<SomeRun>>;
}

/** Who hears how far it is. */
export interface Listener {
  phase(name: string): void;
  loaded(tables: Loaded['tables']): void;
  /** What each worker did, also when loading ends early. */
  worked?(work: Work): void;
}

/** What of the team's own may change rows before publishing. */
export type Steps = Pick<BeforePublish, 'sql' | 'command'>;

/** A site that holds what a file says. */
export interface Built<SomeRun extends StagingRun = StagingRun> {
  readonly verified: Verified;
  readonly site: Site<SomeRun>;
  /** Staging's own rows. */
  readonly carryOver: () => Promise<Preserved>;
  /** A last look at all of it, with staging's own rows in it and the team's steps done. */
  readonly verifyFinished: (carried: Preserved['carried'], steps: Steps) => Promise<void>;
  /** Owners and privileges, after everything else is made; perhaps in a database that was made of this one. */
  readonly handOver: (of: Pick<Site<StagingRun>, 'run' | 'next'>) => Promise<readonly LeftOut[]>;
}

/** Beside the live database, whatever the strategy. */
export function placeBeside<SomeRun extends StagingRun>(
  run: SomeRun,
  server: StagingServer,
  maintenance: Session,
): Place<SomeRun> {
  const checked = { servers: server, maintenance };
  return { run, server, open: (origin) => openBeside({ run, checked, origin }) };
}

/** Tells of a phase, unless the run has ended. */
export function phaseOf({ run }: Place, tell: Listener): (name: string) => void {
  return (name) => {
    run.signal.throwIfAborted();
    tell.phase(name);
    giveBack();
  };
}
