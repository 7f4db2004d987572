import { pack, sha256, skippable } from './format.ts';
import { FrameCompressor } from './frame-compressor.ts';
import { FrameMemory } from './frame-memory.ts';
import type { Frame, Piece } from './index-schema.ts';
import { LongFrame } from './long-frame.ts';
import type { Sink } from './sink.ts';

/**
 * Compresses frames in libuv's threads, several at a time, and appends each as soon as it is ready. A few may be under
 * way: whoever brings more is asked to wait, so memory stays bounded.
 */
export class FrameWriter {
  readonly pieces: Piece[] = [];
  /** Where frames are gathered; a frame that is written goes back there. */
  readonly memory = new FrameMemory();
  readonly #sink: Sink;
  readonly #temporary: string;
  readonly #atOnce: number;
  /** Those that nobody uses now. */
  readonly #compressors: FrameCompressor[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #long = new Set<LongFrame>();
  #failure: { readonly error: unknown } | undefined;

  /** @param temporary folder for rows that do not fit in memory. */
  constructor(sink: Sink, temporary: string, atOnce: number) {
    this.#sink = sink;
    this.#temporary = temporary;
    this.#atOnce = atOnce;
  }

  /**
   * Takes a frame's whole content. A returned promise asks to wait; it rejects once any frame could not be written.
   *
   * @param head bytes before the rows; `tail` bytes after them.
   */
  write(kind: Piece['kind'], oid: number, content: Buffer, head = 0, tail = 0): Promise<void> | undefined {
    const written = this.#write(kind, oid, content, head, tail)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.memory.giveBack(content);
        this.#underWay.delete(written);
      });
    this.#underWay.add(written);
    return this.#underWay.size < this.#atOnce && !this.#failure ? undefined : this.#room();
  }

  /** A frame that no decoder shows: what our own reader wants to find again. */
  async attach(content: Buffer): Promise<void> {
    const packed = await pack(content);
    await this.#append('archive', 0, skippable(packed), { bytes: content.length, head: 0, tail: 0 });
  }

  /** A frame for rows that do not fit in memory. */
  async beginLong(
    kind: Piece['kind'],
    oid: number,
    wrapping: { readonly head: string; readonly tail: string },
  ): Promise<LongFrame> {
    await this.settled();
    const long = await LongFrame.create(this.#temporary, wrapping, async (frame, content) => {
      const offset = await this.#sink.appendStream(content);
      this.pieces.push({ kind, oid, frame: { ...frame, offset } });
      this.#long.delete(long);
    });
    this.#long.add(long);
    return long;
  }

  /** Resolves when everything is written. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure.error;
  }

  /** Lets go of the memory of compression, and of frames that were not brought to an end. */
  async close(): Promise<void> {
    for (const compressor of this.#compressors.splice(0)) compressor.close();
    for (const long of this.#long) await long[Symbol.asyncDispose]();
    this.#long.clear();
  }

  async #room(): Promise<void> {
    while (this.#underWay.size >= this.#atOnce && !this.#failure) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure.error;
  }

  async #write(kind: Piece['kind'], oid: number, content: Buffer, head: number, tail: number): Promise<void> {
    if (this.#failure) return;
    const compressor = this.#compressors.pop() ?? new FrameCompressor();
    try {
      const packed = await compressor.compress(content);
      await this.#append(kind, oid, packed, { bytes: content.length, head, tail });
    } finally {
      // Its memory holds the frame until that is written.
      this.#compressors.push(compressor);
    }
  }

  async #append(
    kind: Piece['kind'],
    oid: number,
    stored: Buffer,
    about: Pick<Frame, 'bytes' | 'head' | 'tail'>,
  ): Promise<void> {
    const hash = sha256(stored).toString('hex');
    const offset = await this.#sink.append(stored);
    this.pieces.push({ kind, oid, frame: { offset, length: stored.length, sha256: hash, ...about } });
  }
}
