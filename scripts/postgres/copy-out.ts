import { CopyStatement } from './copy.ts';
import { classify } from './failure.ts';
import { CopyDataFilter } from './frames.ts';
import { type Session, socketOf } from './session.ts';

/** Of a CopyData message: its type and length (manual, 53.7). */
const headerBytes = 5;

/**
 * Takes the rows of a COPY TO STDOUT as they come, in COPY's text format, cut anywhere.
 *
 * @param take a returned promise holds the server back. The buffer may be kept.
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
  const waits: Promise<void>[] = [];
  let bytes = 0;
  const listeners = socket.listeners('data') as ((chunk: Buffer) => void)[];
  socket.removeAllListeners('data');
  const filter = new CopyDataFilter(
    (message) => {
      bytes += message.length - headerBytes;
      const taken = take(message.subarray(headerBytes));
      if (!taken) return;
      socket.pause();
      waits.push(taken.finally(() => socket.resume()));
    },
    (other) => {
      for (const listener of listeners) listener(other);
    },
  );
  const onData = (chunk: Buffer) => filter.push(chunk);
  socket.on('data', onData);
  session.client.query(copy);
  try {
    const rows = await copy.complete;
    await Promise.all(waits);
    return { rows, bytes };
  } catch (error) {
    throw classify(session.lost ?? error, object);
  } finally {
    for (const wait of waits) wait.catch(() => undefined);
    socket.removeListener('data', onData);
    for (const listener of listeners) socket.on('data', listener);
    if (socket.isPaused()) socket.resume();
  }
}
