import { constants, createZstdCompress } from 'node:zlib';
import { compression } from './format.ts';

/** What is left of one allocation serves the next frame. */
const outputBytes = 1 * 1024 * 1024;

/**
 * Compresses one frame after the other in libuv's threads with the same zstd context: making a new one each time costs
 * more than a small frame does.
 */
export class FrameCompressor {
  readonly #stream = createZstdCompress({ params: compression, chunkSize: outputBytes });
  #output: Buffer[] = [];
  #failed: (error: Error) => void = () => undefined;

  constructor() {
    this.#stream.on('data', (piece: Buffer) => this.#output.push(piece));
    this.#stream.on('error', (error) => this.#failed(error));
  }

  /** One whole zstd frame. The content may be used again afterwards. */
  async compress(content: Buffer): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      this.#stream.write(content);
      this.#stream.flush(constants.ZSTD_e_end, resolve);
    });
    const pieces = this.#output;
    this.#output = [];
    const [only] = pieces;
    return only && pieces.length === 1 ? only : Buffer.concat(pieces);
  }

  close(): void {
    this.#stream.destroy();
  }
}
