import { RefreshError } from '../model/errors.ts';
import { letGo } from '../system/short-lived-memory.ts';
import { bytesAhead, drain } from './copy.ts';
import { CopyStatement } from './copy-statement.ts';
import { classify } from './failure.ts';
import { copyDone } from './frames.ts';
import { socketOf } from './pg-client.ts';
import type { Session } from './session.ts';

/** Payload of one CopyData message: four TLS records. */
const messageBytes = 64 * 1024;
const copyDataType = 0x64; // 'd'
const headerBytes = 5;

/**
 * Feeds rows in COPY's text format, cut anywhere, to a COPY FROM STDIN, which may stand among other statements. After a
 * failure the connection may be in the middle of the COPY: the caller has to give it up.
 *
 * @returns rows as the server counted them.
 */
export async function feedCopy(
  target: Session,
  copyIn: string,
  rows: AsyncIterable<Buffer>,
  object: string,
): Promise<number> {
  return await feedCopies(target, copyIn, [{ rows, object }]);
}

/** What one COPY gets. */
export interface Fed {
  readonly rows: AsyncIterable<Buffer>;
  /** For errors. */
  readonly object: string;
}

/**
 * The same for several COPYs of one text: the server goes from one to the next without waiting for us.
 *
 * @param onCopied told of the rows of each that is done.
 * @returns rows of all of them.
 */
export async function feedCopies(
  target: Session,
  copyIn: string,
  tables: readonly Fed[],
  onCopied: (rows: number) => void = () => undefined,
): Promise<number> {
  const statement = new CopyStatement(copyIn, onCopied);
  statement.begin(target.client);
  const socket = socketOf(target.client);
  statement.complete.catch(() => undefined);
  /** Messages that are on their way, used again: one write each, header and all. */
  const free: Buffer[] = [];
  const feed = async ({ rows, object }: Fed) => {
    for await (const chunk of rows) {
      for (let from = 0; from < chunk.length; from += messageBytes) {
        const memory = free.pop() ?? Buffer.allocUnsafeSlow(headerBytes + messageBytes);
        const message = copyDataOf(chunk.subarray(from, from + messageBytes), memory);
        if (!socket.write(message, () => free.push(memory)) && socket.writableLength > bytesAhead)
          await target.awaiting(drain(socket));
        if (statement.over) {
          await statement.complete;
          throw new RefreshError('copy-failed', 'the server ended a COPY before its rows did', { object });
        }
      }
      letGo(chunk.length);
    }
    socket.write(copyDone);
  };
  try {
    for (const table of tables) await feed(table);
    return await target.awaiting(statement.complete);
  } catch (error) {
    const at = tables[tables.length > 1 ? statement.sections : 0] ?? tables.at(-1);
    throw classify(target.lost ?? error, at?.object ?? target.label, true);
  }
}

function copyDataOf(payload: Buffer, memory: Buffer): Buffer {
  memory[0] = copyDataType;
  memory.writeUInt32BE(payload.length + 4, 1);
  memory.set(payload, headerBytes);
  return memory.subarray(0, headerBytes + payload.length);
}
