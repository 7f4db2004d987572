import { RefreshError } from '../model/errors.ts';
import { letGo } from '../system/short-lived-memory.ts';
import { bytesAhead, drain } from './copy.ts';
import { CopyStatement } from './copy-statement.ts';
import { classify } from './failure.ts';
import { copyDone } from './frames.ts';
import { type Session, socketOf } from './session.ts';

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
  const statement = new CopyStatement(copyIn);
  statement.begin(target.client);
  const socket = socketOf(target.client);
  statement.complete.catch(() => undefined);
  /** Messages that are on their way, used again: one write each, header and all. */
  const free: Buffer[] = [];
  try {
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
    return await target.awaiting(statement.complete);
  } catch (error) {
    throw classify(target.lost ?? error, object, true);
  }
}

function copyDataOf(payload: Buffer, memory: Buffer): Buffer {
  memory[0] = copyDataType;
  memory.writeUInt32BE(payload.length + 4, 1);
  memory.set(payload, headerBytes);
  return memory.subarray(0, headerBytes + payload.length);
}
