import { constants, createZstdDecompress } from 'node:zlib';
import { damaged } from './format.ts';

/** Content comes in pieces of this size: each is let go before the next one is asked for, so little memory is in use. */
const pieceBytes = 256 * 1024;

/** Frames of one long row have a larger window than zstd takes by default. */
const windowLogMax = 27;

/** Decompresses one frame after the other in libuv's threads with the same zstd context and little memory. */
export class FrameDecompressor {
  readonly #path: string;
  readonly #stream = createZstdDecompress({
    chunkSize: pieceBytes,
    params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
  });
  #given = 0;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  /** @param path of the file, for errors. */
  constructor(path: string) {
    this.#path = path;
    this.#stream.on('readable', () => this.#wake());
    this.#stream.on('error', (error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  /**
   * Whether it takes no more: Node's decoder ends for good where a frame does, unless its input ends there too. A frame
   * that Node's compressor made as a stream is followed by an empty one.
   */
  get over(): boolean {
    return this.#stream.bytesWritten < this.#given;
  }

  /**
   * Content, as far as these compressed bytes bring it. They may be used again afterwards.
   *
   * @throws RefreshError `bad-file` for bytes that are no frame's.
   */
  async *push(compressed: Buffer): AsyncGenerator<Buffer> {
    let taken = false;
    this.#given += compressed.length;
    this.#stream.write(compressed, () => {
      taken = true;
      this.#wake();
    });
    for (;;) {
      const piece = this.#stream.read() as Buffer | null;
      if (piece) yield piece;
      else if (this.#failure) throw damaged(this.#path, 'a frame can’t be decompressed', this.#failure);
      else if (taken) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  close(): void {
    this.#stream.destroy();
  }
}
