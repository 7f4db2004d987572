import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { RefreshError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import { AgeDecryption, isAge, type ReadAt } from './age.ts';
import {
  contentOfSkippable,
  damaged,
  greetingFrame,
  indexFrameLength,
  isArtifact,
  packedIndexOf,
  requireKnownFormat,
  trailerBytes,
  unpack,
} from './format.ts';
import { FrameDecompressor } from './frame-decompressor.ts';
import { type ArtifactIndex, type Frame, indexSchema } from './index-schema.ts';

/** What is read of the file at a time, into memory that is used again: V8 would mark its whole heap to find it. */
const readBytes = 1024 * 1024;
/** Frames that are hashed at the same time: one is read while another one is hashed. */
const provedAtOnce = 2;
/** An index that claims to be larger than this is no index of ours. */
const indexLimitBytes = 1024 * 1024 * 1024;

/** A zstd context, and memory for what it is given. */
interface Decoder {
  readonly decompressor: FrameDecompressor;
  readonly memory: Buffer;
}

/** One of our own files, read by its index: any frame, in any order, by several readers at once. */
export class ArtifactReader implements AsyncDisposable {
  readonly path: string;
  #index: ArtifactIndex | undefined;
  readonly encrypted: boolean;
  readonly #file: FileHandle;
  readonly #read: ReadAt;
  /** Those that nobody uses now. */
  readonly #idle: Decoder[] = [];
  #closed = false;

  private constructor(
    path: string,
    index: ArtifactIndex,
    file: FileHandle,
    read: ReadAt,
    encrypted: boolean,
  ) {
    this.path = path;
    this.#index = index;
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
      const plain: ReadAt = (offset, length, memory) => readAt(file, path, offset, length, memory);
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

  get index(): ArtifactIndex {
    if (!this.#index) throw new Error('the index has been let go');
    return this.#index;
  }

  /** Nothing of it is asked for any more: of 10,000 tables the index is tens of megabytes. */
  letGo(): void {
    this.#index = undefined;
    this.#closeIdle();
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
      const memory = Buffer.allocUnsafeSlow(readBytes);
      for (const { frame } of waiting) {
        const hash = createHash('sha256');
        for await (const piece of this.#compressed(frame, memory)) {
          signal.throwIfAborted();
          hash.update(piece);
        }
        if (hash.digest('hex') !== frame.sha256) throw damaged(this.path, 'a frame was altered');
        onBytes(frame.length);
      }
    };
    await Promise.all(Array.from({ length: provedAtOnce }, work));
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
    this.#closed = true;
    this.#closeIdle();
    await this.#file.close();
  }

  #closeIdle(): void {
    for (const { decompressor } of this.#idle.splice(0)) decompressor.close();
  }

  async *#contents(frame: Frame): AsyncGenerator<Buffer> {
    const { decompressor, memory } = this.#idle.pop() ?? newDecoder(this.path);
    let whole = false;
    try {
      for await (const piece of this.#compressed(frame, memory)) {
        yield* decompressor.push(piece);
        if (decompressor.over) return;
      }
      whole = true;
    } finally {
      // In the middle of a frame it is of no use to another one.
      if (whole && !this.#closed) this.#idle.push({ decompressor, memory });
      else decompressor.close();
    }
  }

  /** @param memory is used again for each piece. */
  async *#compressed(frame: Frame, memory: Buffer): AsyncGenerator<Buffer> {
    for (let from = 0; from < frame.length; from += readBytes) {
      yield await this.#read(frame.offset + from, Math.min(readBytes, frame.length - from), memory);
    }
  }
}

function newDecoder(path: string): Decoder {
  return { decompressor: new FrameDecompressor(path), memory: Buffer.allocUnsafeSlow(readBytes) };
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
    const index: unknown = JSON.parse(text);
    requireKnownFormat(Number((index as { format?: unknown } | null)?.format), path);
    return indexSchema.parse(index);
  } catch (cause) {
    if (cause instanceof RefreshError) throw cause;
    throw damaged(path, 'its index can’t be read', cause);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Opening a FIFO would wait for whoever writes to it.
    if (!(await stat(path)).isFile()) throw new Error('it is no regular file; each is read twice');
    return await open(path, 'r');
  } catch (cause) {
    throw new RefreshError('bad-file', 'the file can’t be read', {
      object: path,
      hint: 'give the path of a backup file, such as artifacts/prod_backup_20261122_020000.sql.zst',
      cause,
    });
  }
}

async function readAt(
  file: FileHandle,
  path: string,
  offset: number,
  length: number,
  memory: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
  const buffer = memory.subarray(0, length);
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
