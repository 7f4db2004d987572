import { createHash, subtle } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { constants, createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { RefreshError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import { AgeDecryption, isAge, type ReadAt } from './age.ts';
import { feed } from './feed.ts';
import {
  contentOfSkippable,
  damaged,
  greetingFrame,
  indexFrameLength,
  isArtifact,
  packedIndexOf,
  trailerBytes,
  unpack,
} from './format.ts';
import { type ArtifactIndex, type Frame, indexSchema } from './index-schema.ts';

/** Frames up to this size are decompressed at once; longer ones hold one long row and come bit by bit. */
const atOnceBytes = 64 * 1024 * 1024;
const hashedBytes = 1024 * 1024;
/** Frames that are hashed at the same time, and up to which size in one go. */
const provedAtOnce = 4;
const provedWholeBytes = 16 * 1024 * 1024;
/** An index that claims to be larger than this is no index of ours. */
const indexLimitBytes = 1024 * 1024 * 1024;

/** One of our own files, read by its index: any frame, in any order, by several readers at once. */
export class ArtifactReader implements AsyncDisposable {
  readonly path: string;
  readonly index: ArtifactIndex;
  readonly encrypted: boolean;
  readonly #file: FileHandle;
  readonly #read: ReadAt;

  private constructor(
    path: string,
    index: ArtifactIndex,
    file: FileHandle,
    read: ReadAt,
    encrypted: boolean,
  ) {
    this.path = path;
    this.index = index;
    this.#file = file;
    this.#read = read;
    this.encrypted = encrypted;
  }

  /**
   * Opens an artifact and reads its index; undefined for a file that is not one of ours.
   *
   * @throws RefreshError `bad-file` for one that is damaged, cut or of a newer format.
   */
  static async open(path: string, identity: Secret | undefined): Promise<ArtifactReader | undefined> {
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      const plain: ReadAt = (offset, length) => readAt(file, path, offset, length);
      const encrypted = isAge(await plain(0, Math.min(size, 64)));
      const age = encrypted ? await AgeDecryption.open(path, size, plain, identity) : undefined;
      const read: ReadAt = age ? (offset, length) => age.read(offset, length) : plain;
      const bytes = age?.size ?? size;
      if (!isArtifact(await read(0, Math.min(bytes, 64)), path)) {
        if (encrypted) throw notOurs(path);
        await file.close();
        return undefined;
      }
      const index = await readIndex(path, bytes, read);
      return new ArtifactReader(path, index, file, read, encrypted);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Proves every byte of the file before anything is done with it: the frames follow each other without a gap, and each
   * has the hash that the index says. The index has proved itself already.
   *
   * @param onBytes told of bytes as they pass.
   * @throws RefreshError `bad-file`.
   */
  async prove(onBytes: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const waiting = this.index.pieces.values();
    const work = async () => {
      for (const { frame } of waiting) {
        signal.throwIfAborted();
        const hash = await this.#hashOf(frame, signal);
        if (hash !== frame.sha256) throw damaged(this.path, 'a frame was altered');
        onBytes(frame.length);
      }
    };
    await Promise.all(Array.from({ length: provedAtOnce }, work));
  }

  async #hashOf(frame: Frame, signal: AbortSignal): Promise<string> {
    if (frame.length <= provedWholeBytes) {
      // WebCrypto hashes in libuv's threads, so that several cores take part.
      const content = await this.#read(frame.offset, frame.length);
      return Buffer.from(await subtle.digest('SHA-256', content as Buffer<ArrayBuffer>)).toString('hex');
    }
    const hash = createHash('sha256');
    for (let from = 0; from < frame.length; from += hashedBytes) {
      signal.throwIfAborted();
      hash.update(await this.#read(frame.offset + from, Math.min(hashedBytes, frame.length - from)));
    }
    return hash.digest('hex');
  }

  /** The rows in a frame, without the SQL around them. */
  async *rows(frame: Frame): AsyncGenerator<Buffer> {
    const end = frame.bytes - frame.tail;
    let position = 0;
    for await (const content of this.#contents(frame)) {
      const from = Math.max(0, frame.head - position);
      const to = Math.min(content.length, end - position);
      position += content.length;
      if (from < to) yield content.subarray(from, to);
    }
    if (position !== frame.bytes) throw damaged(this.path, 'a frame is shorter than the index says');
  }

  /** The schema archive. */
  async attachment(): Promise<Buffer> {
    const piece = this.index.pieces.find(({ kind }) => kind === 'archive');
    if (!piece) throw damaged(this.path, 'it has no schema archive');
    const packed = contentOfSkippable(await this.#read(piece.frame.offset, piece.frame.length), this.path);
    return await unpack(packed, piece.frame.bytes, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async *#contents(frame: Frame): AsyncGenerator<Buffer> {
    if (frame.bytes <= atOnceBytes) {
      yield await unpack(await this.#read(frame.offset, frame.length), frame.bytes, this.path);
      return;
    }
    const decompress = createZstdDecompress({
      params: { [constants.ZSTD_d_windowLogMax]: 27 },
    });
    const feeding = feed(decompress, this.#compressed(frame));
    feeding.catch((error: unknown) => decompress.destroy(error as Error));
    for await (const chunk of decompress) yield chunk as Buffer;
    await feeding;
  }

  async *#compressed(frame: Frame): AsyncGenerator<Buffer> {
    for (let from = 0; from < frame.length; from += hashedBytes) {
      yield await this.#read(frame.offset + from, Math.min(hashedBytes, frame.length - from));
    }
  }
}

async function readIndex(path: string, bytes: number, read: ReadAt): Promise<ArtifactIndex> {
  if (bytes < greetingFrame().length + trailerBytes) throw damaged(path, 'it was cut');
  const trailer = await read(bytes - trailerBytes, trailerBytes);
  const length = indexFrameLength(trailer, bytes, path);
  const packed = packedIndexOf(await read(bytes - length, length), path);
  const index = parseIndex(packed, path);
  let position = greetingFrame().length;
  for (const { frame } of index.pieces) {
    if (frame.offset !== position) throw damaged(path, 'its frames do not follow each other');
    position += frame.length;
  }
  if (position !== bytes - length) throw damaged(path, 'its frames do not fill it');
  return index;
}

function parseIndex(packed: Buffer, path: string): ArtifactIndex {
  try {
    const text = zstdDecompressSync(packed, { maxOutputLength: indexLimitBytes }).toString('utf8');
    return indexSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(path, 'its index can’t be read', cause);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RefreshError('bad-file', why, { object: path, hint: 'give the path of an artifact', cause });
  }
}

async function readAt(file: FileHandle, path: string, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw damaged(path, 'it is shorter than it was');
    filled += bytesRead;
  }
  return buffer;
}

function notOurs(path: string): RefreshError {
  return new RefreshError('bad-file', 'the encrypted file holds no artifact of ours', {
    object: path,
    hint: 'decrypt it (age -d) and restore the clear file',
  });
}
