import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactReader } from '../artifact/reader.ts';
import type { ArtifactRows } from '../artifact/rows.ts';
import { RefreshError } from '../model/errors.ts';
import { type LeftOut, manyTables, type Part, type Plan, type PlannedTable } from '../model/plan.ts';
import type { Run, StagingRun } from '../model/run.ts';
import type { DatabaseFacts } from '../model/servers.ts';
import { rowsFingerprint } from '../policy/rows-fingerprint.ts';
import { type ArchiveEntry, parseArchiveList } from '../postgres/archive.ts';
import { formatBytes } from '../system/log.ts';
import { collectSoon } from '../system/short-lived-memory.ts';

/** One for all tables, as in plan.ts. */
const noMasks: PlannedTable['masks'] = new Map();

/** Parts smaller than this are not worth a statement of their own. */
const smallestPart = 16 * 1024 * 1024;

/** Reads the whole file once and proves every byte of it, before anything is done with it. */
export async function proveArtifact(run: StagingRun, reader: ArtifactReader): Promise<void> {
  const { pieces } = reader.index;
  const total = pieces.reduce((sum, { frame }) => sum + frame.length, 0);
  let done = 0;
  await reader.prove((bytes) => {
    done += bytes;
    run.log.progress({ label: reader.path, done, total, unit: 'bytes' });
  }, run.signal);
  run.log.info(
    `${reader.path}: ${formatBytes(total)} in ${pieces.length} frames, whole and unaltered; ` +
      `database ${reader.index.production.database} as it was at ${reader.index.madeAt}`,
  );
}

/** A copy's rows are restored as they were published then: says so where the policy would have them otherwise today. */
export function warnOfOtherPolicy({ config, log }: Run, { index, path }: ArtifactReader): void {
  const { policy } = config;
  if (!policy || index.content === 'full' || index.policy === rowsFingerprint(policy)) return;
  const under = index.policy === undefined ? 'an unknown' : index.policy === null ? 'no' : 'another';
  log.warn(
    `${path} was made under ${under} data policy: its rows are restored as they are, ${policy.file} changes none of them`,
  );
}

/**
 * @param from version of the server that the rows come from; where it is no number, the file doesn't say.
 * @throws RefreshError `version-unsupported` for a server that is older than that.
 */
export function requireVersion(path: string, from: string, staging: DatabaseFacts): void {
  const older = Math.floor(staging.versionNumber / 10_000) < Number.parseInt(from, 10);
  if (!older) return;
  throw new RefreshError(
    'version-unsupported',
    `staging runs PostgreSQL ${staging.version}, the file comes from ${from}`,
    { object: path, hint: 'upgrade the staging cluster first' },
  );
}

/** What is to be loaded, as a plan like that of a run. */
export function planRestore(run: StagingRun, reader: ArtifactReader, rows: ArtifactRows): Plan {
  const { catalog, tables } = reader.index;
  if (tables.length > manyTables) collectSoon();
  const known = new Map(catalog.tables.map((table) => [table.oid, table]));
  const bytesOf = (oid: number) => rows.framesOf(oid).reduce((sum, frame) => sum + frame.bytes, 0);
  const total = tables.reduce((sum, { oid }) => sum + bytesOf(oid), 0);
  const partBytes = Math.max(smallestPart, total / run.config.jobs);
  const planned = tables.flatMap(({ oid, where, masked }): PlannedTable[] => {
    const table = known.get(oid);
    if (!table) return [];
    return [
      {
        table,
        parts: split(rows.framesOf(oid).length, bytesOf(oid), partBytes),
        masks: noMasks,
        where: null,
        whereInStaging: where,
        treatment: 'copy',
        masked: masked ?? [],
        rowsLeftOut: null,
      },
    ];
  });
  return { catalog, tables: planned, bytes: total, leftOut: [], policy: null };
}

/** The schema archive in the run's folder, and its lists. */
export async function extractArchive(
  run: StagingRun,
  reader: ArtifactReader,
): Promise<{ file: string; preData: ArchiveEntry[]; postData: ArchiveEntry[]; leftOut: LeftOut[] }> {
  const file = join(run.temporary, 'schema.dump');
  await writeFile(file, await reader.attachment(), { mode: 0o600 });
  const { preData, postData, leftOut } = reader.index.archive;
  return {
    file,
    preData: parseArchiveList(preData.join('\n')),
    postData: parseArchiveList(postData.join('\n')),
    leftOut,
  };
}

/** Ranges of frames, about equal in bytes; the first is open below, the last above. */
function split(frames: number, bytes: number, partBytes: number): Part[] {
  const count = Math.max(1, Math.min(frames, Math.ceil(bytes / partBytes)));
  return Array.from({ length: count }, (_, index) => ({
    from: index === 0 ? null : Math.floor((frames * index) / count),
    to: index === count - 1 ? null : Math.floor((frames * (index + 1)) / count),
    bytes: bytes / count,
  }));
}
