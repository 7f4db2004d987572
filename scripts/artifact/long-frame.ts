import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { fileError } from './file-error.ts';
import { compression } from './format.ts';
import type { Frame } from './index-schema.ts';

/**
 * A frame that is compressed into a file of its own, since what it holds is larger than what may lie in memory. The
 * file is compressed already, so it is as clear as the artifact is: it lies in the run's own folder (0700).
 */
export class LongFrame {
  readonly #spool: string;
  readonly #compress = createZstdCompress({ params: compression });
  readonly #stored: Promise<void>;
  readonly #tail: string;
  readonly #append: (frame: Omit<Frame, 'offset'>, pieces: AsyncIterable<Buffer>) => Promise<void>;
  readonly #head: number;
  #bytes = 0;

  constructor(
    spool: string,
    wrapping: { readonly head: string; readonly tail: string },
    append: (frame: Omit<Frame, 'offset'>, pieces: AsyncIterable<Buffer>) => Promise<void>,
  ) {
    this.#spool = spool;
    this.#tail = wrapping.tail;
    this.#append = append;
    this.#stored = pipeline(this.#compress, createWriteStream(spool, { mode: 0o600 })).catch(
      (cause: unknown) => {
        throw fileError(spool, cause);
      },
    );
    this.#stored.catch(() => undefined);
    this.#head = this.#write(Buffer.from(wrapping.head, 'utf8'));
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
    const reading = createReadStream(this.#spool);
    reading.on('data', (chunk) => {
      hash.update(chunk);
      length += chunk.length;
    });
    await finished(reading);
    const frame = { length, bytes: this.#bytes, sha256: hash.digest('hex'), head: this.#head, tail };
    await this.#append(frame, createReadStream(this.#spool, { highWaterMark: 1024 * 1024 }));
    await unlink(this.#spool);
  }

  #write(content: Buffer): number {
    this.#compress.write(content);
    this.#bytes += content.length;
    return content.length;
  }
}
