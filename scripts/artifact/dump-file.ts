import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { asError, RefreshError } from '../model/errors.ts';
import { feed } from './feed.ts';
import { damaged } from './format.ts';
import { decompressFrames, isZstd } from './zstd-stream.ts';

const chunkBytes = 1024 * 1024;

/** A plain dump by pg_dump, perhaps compressed. */
export interface DumpFile {
  readonly path: string;
  /** Its text from the beginning, decompressed; may be read more than once. `onBytes` hears of the file's own bytes. */
  read(onBytes?: (bytes: number) => void): AsyncIterable<Buffer>;
  readonly bytes: number;
}

/** What a file is by its first bytes, whatever its name. @throws RefreshError `bad-file` for what is no plain dump. */
export async function openDumpFile(path: string): Promise<DumpFile> {
  const { start, bytes } = await readStart(path);
  const magic = start.subarray(0, 5).toString('latin1');
  if (magic === 'PGDMP') throw notPlain(path, 'it is an archive in pg_dump’s custom format');
  if (start.subarray(257, 262).toString('latin1') === 'ustar') throw notPlain(path, 'it is a tar archive');
  const stored = (onBytes: (bytes: number) => void) => readChunks(path, onBytes);
  const text = (onBytes: (bytes: number) => void) => {
    if (start.length >= 2 && start.readUInt16BE(0) === 0x1f8b) return gunzip(stored(onBytes), path);
    if (start.length >= 4 && isZstd(start.readUInt32LE(0))) return decompressFrames(stored(onBytes), path);
    return stored(onBytes);
  };
  return { path, bytes, read: (onBytes = () => undefined) => text(onBytes) };
}

async function* readChunks(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    onBytes((chunk as Buffer).length);
    yield chunk as Buffer;
  }
}

/** Several members one after the other are one text, and a file that was cut is an error: Node sees to both. */
async function* gunzip(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const decompress = createGunzip({ chunkSize: chunkBytes });
  const feeding = feed(decompress, chunks);
  feeding.catch((error: unknown) => decompress.destroy(error as Error));
  try {
    for await (const chunk of decompress) yield chunk as Buffer;
  } catch (cause) {
    throw damaged(path, asError(cause).message, cause);
  }
}

async function readStart(path: string): Promise<{ start: Buffer; bytes: number }> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return { start: buffer.subarray(0, bytesRead), bytes: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

function notPlain(path: string, what: string): RefreshError {
  return new RefreshError('bad-file', `${what}, which is no SQL`, {
    object: path,
    hint: 'turn it into SQL first: pg_restore --file=DUMP.sql ARCHIVE; then refresh restore DUMP.sql',
  });
}
