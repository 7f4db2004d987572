import type { ArtifactWriter } from '../../artifact/writer.ts';
import type { Part, Plan, PlannedTable } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { copyOut as takeCopy } from '../../postgres/copy-out.ts';
import { copyLargeObjectsOut, largeObjectBatches, largeObjectPages } from '../../postgres/large-objects.ts';
import { readingEnds } from '../../postgres/reading.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { copyIn, copyOut } from './statements.ts';
import { Tally } from './tally.ts';

/** Writes the rows of a plan's tables, and its large objects, into an artifact and nowhere else. */
export async function archiveRows(
  run: Run,
  plan: Plan,
  snapshot: Snapshot,
  writer: ArtifactWriter,
): Promise<readonly LoadedTable[]> {
  const tally = new Tally(run, plan);
  const tasks: Task<Session>[] = [
    ...plan.tables.flatMap((planned) =>
      planned.parts.map((part) => ({
        name: `keep ${display(planned.table)}`,
        weight: part.bytes,
        after: [],
        run: (session: Session) => archivePart(tally, session, planned, part, writer),
      })),
    ),
    ...largeObjectBatches(plan.catalog.largeObjects).map((oids) => ({
      name: `keep large objects from ${oids[0]}`,
      weight: oids.length,
      after: [],
      run: (session: Session) => archiveLargeObjects(tally, session, oids, writer),
    })),
  ];
  await using sessions = new AsyncDisposableStack();
  const readers: Session[] = [];
  for (let job = 0; job < Math.min(run.config.jobs, tasks.length); job++)
    readers.push(sessions.use(await snapshot.openReader()));
  try {
    await runTasks(tasks, readers);
  } catch (error) {
    // In the middle of a COPY no goodbye is understood.
    for (const reader of readers) reader.destroy();
    throw error;
  }
  return tally.tables();
}

/**
 * Tables of which the artifact can have the very bytes that staging gets: the policy changes none of their rows.
 *
 * @param whole the plan without a policy.
 */
export function untouched(planned: Plan, whole: Plan): ReadonlySet<number> {
  const before = new Map(whole.tables.map(({ table, where }) => [table.oid, where]));
  return new Set(
    planned.tables
      .filter(({ table, treatment, masks, where }) => {
        return treatment === 'copy' && masks.size === 0 && where === before.get(table.oid);
      })
      .map(({ table }) => table.oid),
  );
}

/** What the artifact does not get from the copy: rows of tables that are not `tapped`, large objects that the policy excludes. */
export function untapped(whole: Plan, planned: Plan, tapped: ReadonlySet<number>): Plan {
  const tables = whole.tables.filter(({ table }) => !tapped.has(table.oid));
  const copied = new Set(planned.catalog.largeObjects);
  const largeObjects = whole.catalog.largeObjects.filter((oid) => !copied.has(oid));
  const bytes = tables.reduce((sum, { table }) => sum + table.bytes, 0);
  return { ...whole, tables, bytes, catalog: { ...whole.catalog, largeObjects } };
}

async function archivePart(
  tally: Tally,
  session: Session,
  planned: PlannedTable,
  part: Part,
  writer: ArtifactWriter,
): Promise<void> {
  const { table } = planned;
  const frames = writer.rows(table.oid, copyIn(table, 'text'));
  const begun = performance.now();
  const { rows, bytes } = await takeCopy(
    session,
    `${copyOut(planned, part, 'text')};\n${readingEnds}`,
    (taken) => frames.push(taken),
    display(table),
  );
  await frames.end();
  tally.loaded(planned, rows, bytes, (performance.now() - begun) / 1000);
}

async function archiveLargeObjects(
  tally: Tally,
  session: Session,
  oids: readonly number[],
  writer: ArtifactWriter,
): Promise<void> {
  const frames = writer.largeObjects(oids[0] ?? 0, largeObjectPages);
  const statement = `${copyLargeObjectsOut(oids)};\n${readingEnds}`;
  const { bytes } = await takeCopy(session, statement, (taken) => frames.push(taken), 'large objects');
  await frames.end();
  tally.add(bytes);
}
