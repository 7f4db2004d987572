import type { ArtifactWriter } from '../../artifact/writer.ts';
import type { Part, Plan, PlannedTable } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { copyOut as takeRows } from '../../postgres/copy-out.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { copyIn, copyOut } from './statements.ts';

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

/** Reads what staging does not get, or gets otherwise, into the artifact alone. Returns what was read. */
export async function readRest(
  run: Run,
  snapshot: Snapshot,
  writer: ArtifactWriter,
  whole: Plan,
  untouched: ReadonlySet<number>,
): Promise<LoadedTable[]> {
  const rest = whole.tables.filter(({ table }) => !untouched.has(table.oid));
  const counts = new Map(rest.map(({ table }) => [table.oid, { rows: 0, bytes: 0 }]));
  const tasks = rest.flatMap((planned) =>
    planned.parts.map(
      (part): Task<Session> => ({
        name: `read ${display(planned.table)}`,
        weight: part.bytes,
        after: [],
        run: async (session) => {
          run.signal.throwIfAborted();
          const read = await readPart(session, writer, planned, part);
          const count = counts.get(planned.table.oid);
          if (!count) return;
          count.rows += read.rows;
          count.bytes += read.bytes;
        },
      }),
    ),
  );
  await using sessions = new AsyncDisposableStack();
  const readers: Session[] = [];
  for (let job = 0; job < Math.min(run.config.jobs, tasks.length); job++)
    readers.push(sessions.use(await snapshot.openReader()));
  try {
    await runTasks(tasks, readers);
  } catch (error) {
    for (const reader of readers) reader.destroy();
    throw error;
  }
  return rest.map(({ table: { oid, schema, name } }) => {
    const { rows, bytes } = counts.get(oid) ?? { rows: 0, bytes: 0 };
    return { schema, name, treatment: 'copy', rows, bytes, seconds: 0 };
  });
}

async function readPart(
  session: Session,
  writer: ArtifactWriter,
  planned: PlannedTable,
  part: Part,
): Promise<{ rows: number; bytes: number }> {
  const { table } = planned;
  const frames = writer.rows(table.oid, copyIn(table, 'text'));
  const statement = copyOut(planned, part, 'text');
  const read = await takeRows(session, statement, (rows) => frames.push(rows), display(table));
  await frames.end();
  return read;
}
