import type { ArtifactReader } from '../../artifact/reader.ts';
import type { RestoredFile } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { StagingServer } from '../../model/servers.ts';
import type { Session } from '../../postgres/session.ts';
import type { BackupFile } from '../../stages/artifact-file.ts';
import { proveArtifact } from '../../stages/restore.ts';
import { proveScript } from '../../stages/script/proof.ts';
import { type Built, buildFromArtifact, type Listener } from './from-artifact.ts';
import { buildFromScript } from './from-script.ts';

/** A file that was read once from its beginning to its end, and can be loaded. */
export interface ProvedBackup {
  readonly about: RestoredFile;
  /** Version of the server that its rows come from; `unknown` where the file doesn't say. */
  readonly version: string;
  /** Whether nobody has masked its rows: the policy still has to. */
  readonly clear: boolean;
  build(run: StagingRun, server: StagingServer, maintenance: Session, tell: Listener): Promise<Built>;
}

/** Proves as much of a file as can be proved before staging is looked at. @throws RefreshError `bad-file`. */
export async function proveBackup(run: StagingRun, backup: BackupFile): Promise<ProvedBackup> {
  if (backup.kind === 'artifact') return await ours(run, backup.reader);
  const script = await proveScript(run, backup.file);
  return {
    about: { file: backup.file.path, madeAt: null, format: 'script' },
    version: script.version ?? 'unknown',
    clear: true,
    build: (run, server, maintenance, tell) => buildFromScript(run, server, maintenance, script, tell),
  };
}

async function ours(run: StagingRun, reader: ArtifactReader): Promise<ProvedBackup> {
  await proveArtifact(run, reader);
  return {
    about: { file: reader.path, madeAt: reader.index.madeAt, format: 'artifact' },
    version: reader.index.production.version,
    clear: reader.index.content === 'full',
    build: (run, server, maintenance, tell) => buildFromArtifact(run, server, maintenance, reader, tell),
  };
}
