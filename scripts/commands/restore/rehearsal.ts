import type { Verification } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import type { BackupFile } from '../../stages/artifact-file.ts';
import { preflightStaging } from '../../stages/preflight/staging.ts';
import { requireVersion } from '../../stages/restore.ts';
import { type ProvedBackup, proveBackup } from './backup.ts';
import { placeBeside } from './place.ts';

export interface Rehearsed {
  readonly file: string;
  /** Null where the file does not say. */
  readonly madeAt: string | null;
  readonly verification: Verification;
  /** Never: the database is dropped again. */
  readonly published: null;
}

/** Restores a file into a database of its own, compares, and drops it: a rehearsed backup, not a hoped-for one. */
export async function rehearseFile(run: StagingRun, file: BackupFile): Promise<Rehearsed> {
  run.log.phase('read');
  const backup = await proveBackup(run, file);
  run.log.phase('preflight');
  const { server, maintenance } = await preflightStaging(run);
  await using _maintenance = maintenance;
  return await rehearse(run, server, maintenance, backup);
}

/** The same where the run's lock is held already. */
export async function rehearse(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  backup: ProvedBackup,
): Promise<Rehearsed> {
  requireVersion(backup.about.file, backup.version, server.staging);
  const { verified, site } = await backup.build(placeBeside(run, server, maintenance), {
    phase: (name) => run.log.phase(name),
    loaded: () => undefined,
  });
  await site.discard();
  const { file, madeAt } = backup.about;
  return { file, madeAt, verification: verified.verification, published: null };
}
