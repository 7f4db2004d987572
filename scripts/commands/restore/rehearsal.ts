import type { ArtifactReader } from '../../artifact/reader.ts';
import type { Verification } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import { preflightStaging } from '../../stages/preflight/staging.ts';
import { proveArtifact } from '../../stages/restore.ts';
import { discardNext } from '../run-scope.ts';
import { buildFromArtifact } from './from-artifact.ts';

export interface Rehearsed {
  readonly file: string;
  readonly madeAt: string;
  readonly verification: Verification;
  /** Never: the database is dropped again. */
  readonly published: null;
}

/** Restores an artifact into a database of its own, compares, and drops it: a rehearsed backup, not a hoped-for one. */
export async function rehearseArtifact(run: StagingRun, reader: ArtifactReader): Promise<Rehearsed> {
  run.log.phase('read');
  await proveArtifact(run, reader);
  run.log.phase('preflight');
  const { server, maintenance } = await preflightStaging(run);
  await using _maintenance = maintenance;
  return await rehearse(run, server, maintenance, reader);
}

/** The same where the run's lock is held already. */
export async function rehearse(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  reader: ArtifactReader,
): Promise<Rehearsed> {
  const { verified } = await buildFromArtifact(run, server, maintenance, reader, {
    phase: (name) => run.log.phase(name),
    loaded: () => undefined,
  });
  await discardNext(run, verified.database);
  const { verification } = verified;
  return { file: reader.path, madeAt: reader.index.madeAt, verification, published: null };
}
