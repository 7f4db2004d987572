import { text } from 'node:stream/consumers';
import type { ArtifactReader } from '../../artifact/reader.ts';
import type { Arrival } from '../../model/arrival.ts';
import type { RestoredFile } from '../../model/report.ts';
import type { StagingRun } from '../../model/run.ts';
import type { ServerTools } from '../../postgres/server-tools.ts';
import type { BackupFile } from '../../stages/artifact-file.ts';
import { arrivalOfArtifact } from '../../stages/in-place/arrival.ts';
import { extractArchive, proveArtifact } from '../../stages/restore.ts';
import { definitionsTaken } from '../../stages/schema.ts';
import { proveScript } from '../../stages/script/proof.ts';
import { buildFromArtifact } from './from-artifact.ts';
import { buildFromScript } from './from-script.ts';
import type { Built, Listener, Place } from './place.ts';

/** A file that was read once from its beginning to its end, and can be loaded. */
export interface ProvedBackup {
  readonly about: RestoredFile;
  /** Version of the server that its rows come from; `unknown` where the file doesn't say. */
  readonly version: string;
  /** Whether nobody has masked its rows: the policy still has to. */
  readonly clear: boolean;
  /** What it would bring into the live database. */
  arrival(tools: ServerTools): Promise<Arrival>;
  build<SomeRun extends StagingRun>(place: Place<SomeRun>, tell: Listener): Promise<Built<SomeRun>>;
}

/** Proves as much of a file as can be proved before staging is looked at. @throws RefreshError `bad-file`. */
export async function proveBackup(run: StagingRun, backup: BackupFile): Promise<ProvedBackup> {
  if (backup.kind === 'artifact') return await ours(run, backup.reader);
  const script = await proveScript(run, backup.file);
  return {
    about: { file: backup.file.path, madeAt: null, format: 'script' },
    version: script.version ?? 'unknown',
    clear: true,
    arrival: async () => script.arrival,
    build: (place, tell) => buildFromScript(place, script, tell),
  };
}

async function ours(run: StagingRun, reader: ArtifactReader): Promise<ProvedBackup> {
  await proveArtifact(run, reader);
  const { madeAt, production, content } = reader.index;
  return {
    about: { file: reader.path, madeAt, format: 'artifact' },
    version: production.version,
    clear: content === 'full',
    arrival: async (tools) => {
      const archive = await extractArchive(run, reader);
      const nowhere = { run, tools, database: '', lockCapacity: 0 };
      return arrivalOfArtifact(reader.index, await text(definitionsTaken(nowhere, archive)));
    },
    build: (place, tell) => buildFromArtifact(place, reader, tell),
  };
}
