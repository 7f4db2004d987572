import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { letGo } from '../system/short-lived-memory.ts';
import { fileError } from './file-error.ts';
import { compression } from './format.ts';
import type { Frame } from './index-schema.ts';

const chunkBytes = 1024 * 1024;

/**
 * A frame that is compressed into a file of its own, since what it holds is larger than what may lie in memory. The
 * file is clear even where the artifact is encrypted, so it has no name: it is gone with the process, however that ends.
 */
export class LongFrame implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #compress = createZstdCompress({ params: compression });
  readonly #stored: Promise<void>;
  readonly #tail: string;
  readonly #append: (frame: Omit<Frame, 'offset'>, pieces: AsyncIterable<Buffer>) => Promise<void>;
  readonly #head: number;
  #bytes = 0;

  private constructor(
    path: string,
    file: FileHandle,
    wrapping: { readonly head: string; readonly tail: string },
    append: (frame: Omit<Frame, 'offset'>, pieces: AsyncIterable<Buffer>) => Promise<void>,
  ) {
    this.#file = file;
    this.#tail = wrapping.tail;
    this.#append = append;
    this.#stored = pipeline(this.#compress, async (compressed: AsyncIterable<Buffer>) => {
      for await (const chunk of compressed) await file.appendFile(chunk);
    }).catch((cause: unknown) => {
      throw fileError(path, cause);
    });
    this.#stored.catch(() => undefined);
    this.#head = this.#write(Buffer.from(wrapping.head, 'utf8'));
  }

  /** @param folder where there is room. @throws RefreshError `disk-full`, `artifact-failed`. */
  static async create(
    folder: string,
    wrapping: { readonly head: string; readonly tail: string },
    append: (frame: Omit<Frame, 'offset'>, pieces: AsyncIterable<Buffer>) => Promise<void>,
  ): Promise<LongFrame> {
    const path = join(folder, `frame-${randomUUID()}`);
    try {
      const file = await open(path, 'wx+', 0o600);
      await unlink(path).catch(async (cause: unknown) => {
        await file.close();
        throw cause;
      });
      return new LongFrame(path, file, wrapping, append);
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  async push(payload: Buffer): Promise<void> {
    this.#write(payload);
    if (this.#compress.writableNeedDrain) await Promise.race([once(this.#compress, 'drain'), this.#stored]);
  }

  /** Puts the frame into the artifact. */
  async end(): Promise<void> {
    const tail = this.#write(Buffer.from(this.#tail, 'utf8'));
    this.#compress.end();
    await this.#stored;
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of this.#content(Buffer.allocUnsafeSlow(chunkBytes))) {
      hash.update(chunk);
      length += chunk.length;
    }
    const frame = { length, bytes: this.#bytes, sha256: hash.digest('hex'), head: this.#head, tail };
    await this.#append(frame, this.#content());
    await this.#file.close();
  }

  /** Gives the room back, also of a frame that was not brought to an end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#compress.destroy();
    await this.#stored.catch(() => undefined);
    await this.#file.close().catch(() => undefined);
  }

  /** @param memory for each piece; without it whoever gets a piece may keep it. */
  async *#content(memory?: Buffer): AsyncGenerator<Buffer> {
    for (let from = 0; ; ) {
      const { bytesRead, buffer } = await this.#file.read(
        memory ?? Buffer.allocUnsafeSlow(chunkBytes),
        0,
        chunkBytes,
        from,
      );
      if (bytesRead === 0) return;
      from += bytesRead;
      yield buffer.subarray(0, bytesRead);
      if (!memory) letGo(chunkBytes);
    }
  }

  #write(content: Buffer): number {
    this.#compress.write(content);
    this.#bytes += content.length;
    return content.length;
  }
}
