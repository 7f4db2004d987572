import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreservedTable } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import { display, qualified } from '../../model/table.ts';
import { feedCopy } from '../../postgres/copy-feed.ts';
import { copyOut } from '../../postgres/copy-out.ts';
import type { LoneTransaction } from '../../postgres/lone-transaction.ts';
import { columnsQuery, emptyQuery, type OwnRows, ownRowsOut } from '../../postgres/own-rows.ts';

/**
 * Sets staging's own rows aside before their tables go: into files of the run's folder (mode 0700), in COPY's own
 * format, since a table of theirs would keep the types alive that have to go, too.
 */
export async function keepRows(
  run: Run,
  transaction: LoneTransaction,
  preserved: readonly PreservedTable[],
): Promise<OwnRows & AsyncDisposable> {
  await using session = await transaction.borrow({ search_path: '' });
  const { empty } = await session.row<{ empty: boolean }>(emptyQuery);
  const columns = new Map<number, readonly string[]>();
  for (const kept of preserved) {
    const { table } = kept;
    const here = (await session.rows<{ name: string }>(columnsQuery, [qualified(table)])).map(
      ({ name }) => name,
    );
    columns.set(table.oid, here);
    if (here.length === 0) continue;
    const shared = table.columns.filter((column) => here.includes(column));
    await using file = await open(fileOf(run, kept), 'wx', 0o600);
    let writing = Promise.resolve();
    await copyOut(
      session,
      ownRowsOut(kept, shared),
      (rows) => {
        writing = writing.then(async () => await file.appendFile(rows));
        return writing;
      },
      display(table),
    );
  }
  return {
    // Its tables are locked until the end.
    live: null,
    columnsOf: async (table) =>
      columns.get(preserved.find((kept) => display(kept.table) === display(table))?.table.oid ?? 0) ?? [],
    isEmpty: async () => empty,
    feed: async (kept, _columns, { target, copyIn, object }) =>
      await feedCopy(target, copyIn, createReadStream(fileOf(run, kept)), object),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function fileOf(run: Run, { table }: PreservedTable): string {
  return join(run.temporary, `kept-${table.oid}.copy`);
}
