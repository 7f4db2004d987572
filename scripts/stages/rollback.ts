import { besideName, formatMarker, type Overtaken, parseMarker } from '../model/database-name.ts';
import { RefreshError } from '../model/errors.ts';
import { changeOf, commentWith, contentOf, runsOfComment } from '../model/history.ts';
import type { Published } from '../model/report.ts';
import type { StagingRun } from '../model/run.ts';
import type { StagingServer } from '../model/servers.ts';
import { type BesideDatabase, listMarked } from '../postgres/beside.ts';
import { hasTables } from '../postgres/made-objects.ts';
import { catalogSettings, openStaging } from '../postgres/run-sessions.ts';
import type { Session } from '../postgres/session.ts';
import { swapDatabases } from '../postgres/swap.ts';

/** A database that a rollback can bring back. */
export interface Earlier {
  readonly name: string;
  /** When it was set aside, as ISO time. */
  readonly setAsideAt: string;
  /** pg_database_size. */
  readonly bytes: number;
}

/** What there is to go back to, newest first. */
export async function listEarlier(maintenance: Session, live: string): Promise<Earlier[]> {
  const marked = await listMarked(maintenance, live, 'previous');
  const sizes = await maintenance.rows<{ oid: number; bytes: string }>(
    'select oid, pg_catalog.pg_database_size(oid)::text as bytes from pg_catalog.pg_database where oid = any ($1::oid[])',
    [marked.map(({ oid }) => oid)],
  );
  const bytes = new Map(sizes.map((row) => [row.oid, Number(row.bytes)]));
  return marked
    .map(({ name, oid, marker }) => ({ name, setAsideAt: marker?.at ?? '', bytes: bytes.get(oid) ?? 0 }))
    .reverse();
}

/**
 * Puts an earlier database back in the live one's place, which becomes the next one to go back to. Its owner,
 * privileges and settings are its own, as they were.
 *
 * @param wanted which one; the newest if undefined.
 * @throws RefreshError `database-missing`, `publish-failed`: staging is as it was; `publish-unknown`.
 */
export async function rollback(
  run: StagingRun,
  server: StagingServer,
  maintenance: Session,
  wanted: string | undefined,
): Promise<Published> {
  const { name: live, oid, isTemplate, comment } = server.staging;
  const earlier = choose(await listMarked(maintenance, live, 'previous'), live, wanted);
  if (wanted === undefined) await refuseEmpty(run, maintenance, live, earlier);
  const aside = besideName(live, 'previous', run.id);
  const mark = formatMarker({
    kind: 'previous',
    of: live,
    run: run.id,
    at: run.startedAt.toISOString(),
    comment: parseMarker(comment) ? null : comment,
  });
  const lockedOutSeconds = await swapDatabases(run, maintenance, {
    live: { name: live, oid, isTemplate },
    aside: { name: aside, comment: mark },
    replacement: { name: earlier.name, comment: withMemory(run, earlier.marker?.comment ?? null, comment) },
  });
  return { database: live, previous: aside, lockedOutSeconds };
}

/** What stood there before staging's first refresh is mostly nothing, which nobody means who wants staging back. */
async function refuseEmpty(
  run: StagingRun,
  maintenance: Session,
  live: string,
  { name, oid }: BesideDatabase,
): Promise<void> {
  const { open } = await maintenance.row<{ open: boolean }>(
    'select datallowconn as open from pg_catalog.pg_database where oid = $1',
    [oid],
  );
  if (!open) return;
  await using session = await openStaging(run, name, catalogSettings);
  if (await hasTables(session)) return;
  throw new RefreshError('database-missing', `${name} is empty: staging had no table before that refresh`, {
    object: live,
    hint: `to have it empty all the same: refresh rollback --to ${name}`,
  });
}

/** What people wrote goes with the database; what has happened to staging does not, and this happens to it, too. */
function withMemory(run: StagingRun, earlier: string | null, live: string | null): string {
  const content = contentOf(runsOfComment(earlier));
  const now = { id: run.id, finishedAt: new Date().toISOString() };
  return commentWith(earlier, ...runsOfComment(live), changeOf(now, 'rolled back', content));
}

function choose(
  databases: readonly BesideDatabase[],
  live: string,
  wanted: string | undefined,
): BesideDatabase {
  const chosen = wanted === undefined ? databases.at(-1) : databases.find(({ name }) => name === wanted);
  if (chosen?.marker?.overtaken && wanted === undefined) {
    throw nothingSince(live, chosen.name, chosen.marker.overtaken);
  }
  if (chosen) return chosen;
  const names = databases.map(({ name }) => name).reverse();
  throw new RefreshError(
    'database-missing',
    wanted === undefined
      ? 'there is no earlier database to go back to'
      : `${wanted} is no earlier database of this one`,
    {
      object: live,
      hint:
        names.length > 0
          ? `there are: ${names.join(', ')}`
          : 'refresh run keeps one with --keep-previous 1, and none with --strategy in-place; refresh restore FILE brings back a backup file, staging’s own (staging_backup_…) where --backup-staging made one',
    },
  );
}

/** The newest earlier database is not what staging was before its last refresh, and must not be taken for it. */
function nothingSince(live: string, newest: string, { run, at, artifact }: Overtaken): RefreshError {
  return new RefreshError(
    'database-missing',
    `the last refresh (${run}, ${at}) was in place: there is nothing to go back to`,
    {
      object: live,
      hint: `${
        artifact
          ? `staging as it was before is in ${artifact}: refresh restore FILE`
          : 'no backup of staging was made'
      }; to go further back, to before an earlier refresh: refresh rollback --to ${newest}`,
    },
  );
}
