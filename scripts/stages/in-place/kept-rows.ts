import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreservedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display, qualified } from '../../model/table.ts';
import { feedCopy } from '../../postgres/copy-feed.ts';
import { copyOut } from '../../postgres/copy-out.ts';
import type { LoneTransaction } from '../../postgres/lone-transaction.ts';
import { columnsQuery, emptyQuery, type OwnRows, ownRowsOut } from '../../postgres/own-rows.ts';
import type { Session } from '../../postgres/session.ts';

/** What is read of the file at once. */
const pieceBytes = 256 * 1024;

/** Where a table's rows are in the file. */
interface Place {
  readonly columns: readonly string[];
  readonly from: number;
  readonly to: number;
}

/**
 * Sets staging's own rows aside before their tables go: into a file of the run's folder (mode 0700), in COPY's own
 * format, since a table of theirs would keep the types alive that have to go, too. The file has no name any more when
 * the first row is written: whatever ends the process ends the file.
 */
export async function keepRows(
  { temporary }: Pick<Run, 'temporary'>,
  transaction: LoneTransaction,
  preserved: readonly PreservedTable[],
): Promise<OwnRows & AsyncDisposable> {
  await using session = await transaction.borrow({ search_path: '' });
  const { empty } = await session.row<{ empty: boolean }>(emptyQuery);
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await openNameless(join(temporary, 'kept.copy')));
  const places = new Map<string, Place>();
  let end = 0;
  for (const kept of preserved) {
    const { table } = kept;
    const here = await session.rows<{ name: string }>(columnsQuery, [qualified(table)]);
    const columns = here.map(({ name }) => name);
    const from = end;
    if (columns.length > 0) end += await append(file, session, kept, columns);
    places.set(qualified(table), { columns, from, to: end });
  }
  const keeping = opened.move();
  return {
    // Its tables are locked until the end.
    live: null,
    columnsOf: async (table) => places.get(qualified(table))?.columns ?? [],
    isEmpty: async () => empty,
    feed: async ({ table }, _columns, { target, copyIn, object }) =>
      await feedCopy(target, copyIn, pieces(file, places.get(qualified(table))), object),
    [Symbol.asyncDispose]: () => keeping.disposeAsync(),
  };
}

async function openNameless(path: string): Promise<FileHandle> {
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

/** Returns how many bytes the table's rows are. */
async function append(
  file: FileHandle,
  session: Session,
  kept: PreservedTable,
  columns: readonly string[],
): Promise<number> {
  const shared = kept.table.columns.filter((column) => columns.includes(column));
  let writing = Promise.resolve();
  const { bytes } = await copyOut(
    session,
    ownRowsOut(kept, shared),
    (rows) => {
      writing = writing.then(async () => await file.appendFile(rows));
      return writing;
    },
    display(kept.table),
  );
  return bytes;
}

async function* pieces(file: FileHandle, place: Place | undefined): AsyncGenerator<Buffer> {
  if (!place) return;
  for (let position = place.from; position < place.to; ) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, place.to - position));
    const { bytesRead } = await file.read({ buffer, position });
    if (bytesRead === 0) throw new Error('the file of kept rows is shorter than it was');
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}
