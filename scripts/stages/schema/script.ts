import type { Session } from '../../postgres/session.ts';
import { allDone } from '../../system/all-done.ts';
import { inBatches } from '../../system/batches.ts';

/** A script of pg_restore's: what every session of it begins with, and one piece for each object. */
export interface RestoreScript {
  readonly preamble: string;
  readonly pieces: readonly string[];
}

/** The comment before each object (pg_backup_archiver.c, _printTocEntry). */
const header = /^(?=--\n-- Name: .*; Type: .*\n--\n)/m;

/**
 * Takes a script apart, so that it can be sent many objects at a time: pg_restore itself waits for the server after each.
 * Undefined where that is not certain: where the number of objects is another (a function's body may look like a
 * script), or where something in it was no UTF-8.
 */
export function readRestoreScript(script: string, objects: number): RestoreScript | undefined {
  if (script.includes('\uFFFD')) return undefined;
  const [preamble = '', ...pieces] = script.split(header);
  if (pieces.length !== objects) return undefined;
  return {
    // \restrict and \unrestrict are psql's; the house's settings know what a server has.
    preamble: preamble.replace(/^(\\restrict .*|SET transaction_timeout = 0;)$/gm, ''),
    pieces: pieces.with(-1, (pieces.at(-1) ?? '').replace(/^\\unrestrict .*$(?![\s\S]*^\\unrestrict)/m, '')),
  };
}

/**
 * @param atOnce objects in one transaction.
 * @throws RefreshError of the object that the server refuses, by its name in the script.
 */
export async function runScript(session: Session, script: RestoreScript, atOnce: number): Promise<void> {
  const attempt = (pieces: readonly string[]) =>
    session.attempt(pieces.join('\n')).then(
      () => true,
      () => false,
    );
  // It only sets: nothing that follows has to wait for its answer.
  const settings = session.run(script.preamble);
  for (const batch of inBatches(script.pieces, atOnce)) {
    const attempted = attempt(batch);
    await allDone([settings, attempted]);
    if (await attempted) continue;
    // Nothing of it is there: once more, to see which one it is.
    for (const piece of batch) await session.attempt(piece, /^-- Name: (.*; Type: [^;]*)/m.exec(piece)?.[1]);
  }
}
