import { CopyStatement } from './copy-statement.ts';
import { classify } from './failure.ts';
import { CopyDataFilter } from './frames.ts';
import { Pauses } from './pauses.ts';
import { socketOf } from './pg-client.ts';
import type { Session } from './session.ts';

/** Of a CopyData message: its type and length (manual, 53.7). */
const headerBytes = 5;

/**
 * Takes the rows of a COPY TO STDOUT as they come, in COPY's text format, cut anywhere. After a failure the session is
 * cut: it may be in the middle of the COPY, with the rest of the table still to come.
 *
 * @param take a returned promise holds the server back, and ends the COPY when it rejects. The buffer may be kept.
 * @returns rows as the server counted them, and bytes.
 */
export async function copyOut(
  session: Session,
  statement: string,
  take: (rows: Buffer) => Promise<void> | undefined,
  object: string,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const socket = socketOf(session.client);
  const copy = new CopyStatement(statement);
  const pauses = new Pauses(socket);
  let bytes = 0;
  const listeners = socket.listeners('data') as ((chunk: Buffer) => void)[];
  socket.removeAllListeners('data');
  const filter = new CopyDataFilter(
    (message) => {
      bytes += message.length - headerBytes;
      const taken = take(message.subarray(headerBytes));
      if (taken !== undefined) pauses.wait(taken);
    },
    (other) => {
      for (const listener of listeners) listener(other);
    },
  );
  const onData = (chunk: Buffer) => filter.push(chunk);
  socket.on('data', onData);
  copy.begin(session.client);
  try {
    const underWay = Promise.race([copy.complete, pauses.broken]);
    const rows = await session.awaiting(underWay, () => socket.isPaused());
    await pauses.over();
    return { rows, bytes };
  } catch (error) {
    const reason = classify(session.lost ?? error, object, true, session.side);
    session.destroy();
    throw reason;
  } finally {
    socket.removeListener('data', onData);
    for (const listener of listeners) socket.on('data', listener);
    if (socket.isPaused()) socket.resume();
  }
}
