import { constants, createZstdCompress } from 'node:zlib';
import { compression } from './format.ts';
import { frameBytes } from './frame-memory.ts';

/** More than zstd ever makes of a frame (ZSTD_COMPRESSBOUND), so that each lies in one piece. */
const outputBytes = frameBytes + frameBytes / 2;

/**
 * Compresses one frame after the other in libuv's threads with the same zstd context and into the same memory: making
 * a new context each time costs more than a small frame does, and V8 would mark its whole heap over and over to find
 * the memory of frames that are written. Measured on 460 MB of rows: a seventh less CPU time, 60 MB less at the peak.
 */
export class FrameCompressor {
  // Each write is the end of a frame: zstd sees all of it at once, and needs no copy of it.
  readonly #stream = createZstdCompress({
    params: compression,
    chunkSize: outputBytes,
    flush: constants.ZSTD_e_end,
  });
  #output: Buffer[] = [];
  #failed: (error: Error) => void = () => undefined;

  constructor() {
    this.#stream.on('data', (piece: Buffer) => this.#output.push(piece));
    this.#stream.on('error', (error) => this.#failed(error));
  }

  /** One whole zstd frame, there until the next is compressed. The content may be used again afterwards. */
  async compress(content: Buffer): Promise<Buffer> {
    // Node's streams of zlib fill their memory up and then take new one. Where the next byte goes is a property that their
    // types don't show; one that doesn't know it takes new memory.
    Object.assign(this.#stream, { _outOffset: 0 });
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      this.#stream.write(content, () => resolve());
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
