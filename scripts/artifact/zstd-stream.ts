import { constants, createZstdDecompress } from 'node:zlib';
import { asError } from '../model/errors.ts';
import { feed } from './feed.ts';
import { damaged } from './format.ts';

/** RFC 8878, 3.1.1 and 3.1.2. */
const frameMagic = 0xfd2fb528;
const firstSkippableMagic = 0x184d2a50;
const longestHeaderBytes = 18;
const blockHeaderBytes = 3;
const checksumBytes = 4;

/** Whether a file that begins with this number is made of zstd frames; some begin with a skippable one. */
export function isZstd(magic: number): boolean {
  return magic === frameMagic || isSkippable(magic);
}

function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === firstSkippableMagic;
}

/**
 * Decompresses every frame of a zstd file, one after the other: Node's own decoder stops after the first one without a
 * word, and takes a file that was cut for one that ends.
 *
 * @throws RefreshError `bad-file` for what is no zstd, or was cut.
 */
export async function* decompressFrames(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const input = new Input(chunks, path);
  while (await input.more()) {
    const magic = (await input.peek(4)).readUInt32LE(0);
    if (isSkippable(magic)) {
      const length = (await input.peek(8)).readUInt32LE(4);
      for await (const _ of input.take(8 + length));
    } else if (magic === frameMagic) {
      yield* decompressOne(frameBytes(input), path);
    } else throw damaged(path, 'it holds something that is no zstd frame');
  }
}

async function* decompressOne(compressed: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const decompress = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 31 } });
  const feeding = feed(decompress, compressed);
  feeding.catch((error: unknown) => decompress.destroy(error as Error));
  try {
    for await (const chunk of decompress) yield chunk as Buffer;
    await feeding;
  } catch (cause) {
    throw damaged(path, asError(cause).message, cause);
  }
}

/** The bytes of one frame: its blocks say where it ends. */
async function* frameBytes(input: Input): AsyncGenerator<Buffer> {
  const start = await input.peek(5);
  const descriptor = start[4] ?? 0;
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const headerBytes = 5 + (singleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
  yield* input.take(Math.min(headerBytes, longestHeaderBytes));
  for (let last = false; !last; ) {
    const block = (await input.peek(blockHeaderBytes)).readUIntLE(0, blockHeaderBytes);
    last = (block & 1) === 1;
    // A run of one byte holds that byte alone.
    const length = ((block >> 1) & 3) === 1 ? 1 : block >> 3;
    yield* input.take(blockHeaderBytes + length);
  }
  if (descriptor & 4) yield* input.take(checksumBytes);
}

/** Bytes that can be looked at before they are taken. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #path: string;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>, path: string) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#path = path;
  }

  async more(): Promise<boolean> {
    return this.#rest.length > 0 || (await this.#pull());
  }

  async peek(length: number): Promise<Buffer> {
    while (this.#rest.length < length) if (!(await this.#pull())) throw damaged(this.#path, 'it was cut');
    return this.#rest.subarray(0, length);
  }

  async *take(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#pull())) throw damaged(this.#path, 'it was cut');
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  async #pull(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, value]) : value;
    return true;
  }
}
