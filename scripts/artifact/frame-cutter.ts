import { frameBytes } from './frame-memory.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LongFrame } from './long-frame.ts';

const newline = 0x0a;

/** A row that is longer than this goes through a file instead of memory. */
const longRowBytes = 8 * 1024 * 1024;

/** The SQL around the rows, so that each frame is a complete piece by itself. */
export interface Wrapping {
  readonly head: string;
  readonly tail: string;
}

/**
 * Cuts one COPY stream into frames at the ends of rows. COPY's text format never has a raw line break inside a row
 * (manual, COPY, "Text Format"), so the last one of a buffer ends a row.
 */
export class FrameCutter {
  readonly #writer: FrameWriter;
  readonly #kind: 'rows' | 'large-objects';
  readonly #oid: number;
  readonly #wrapping: Wrapping;
  readonly #head: Buffer;
  readonly #tail: Buffer;
  /** The frame that is being gathered: the head, then rows up to `#length`. */
  #frame: Buffer | undefined;
  #length = 0;
  /** Frames that are full. */
  #cuts = 0;
  /** Where the last row ends that is there as a whole; 0 while none is. */
  #complete = 0;
  /** Set while a row is under way that does not fit in memory. */
  #long: LongFrame | undefined;
  /** Set while a long row is being written: what comes meanwhile queues up behind it. */
  #busy: Promise<void> | undefined;

  constructor(writer: FrameWriter, kind: 'rows' | 'large-objects', oid: number, wrapping: Wrapping) {
    this.#writer = writer;
    this.#kind = kind;
    this.#oid = oid;
    this.#wrapping = wrapping;
    this.#head = Buffer.from(wrapping.head, 'utf8');
    this.#tail = Buffer.from(wrapping.tail, 'utf8');
  }

  /** Takes rows, cut anywhere, and keeps none of this memory. A returned promise asks to wait before more is given. */
  push(payload: Buffer): Promise<void> | undefined {
    if (this.#busy || this.#long) {
      const own = Buffer.from(payload);
      return this.#enqueue(() => this.#continueLong(own));
    }
    const wait = this.#gather(payload);
    return this.#isLong ? this.#enqueue(() => this.#beginLong()) : wait;
  }

  /** The last frame; resolves when it is on its way, not when it is written. */
  async end(): Promise<void> {
    await this.#busy;
    if (this.#frame) await this.#cut(this.#frame);
  }

  #gather(payload: Buffer): Promise<void> | undefined {
    const frame = this.#withRoom(payload.length);
    const lineEnd = payload.lastIndexOf(newline);
    if (lineEnd >= 0) this.#complete = this.#length + lineEnd + 1;
    frame.set(payload, this.#length);
    this.#length += payload.length;
    return this.#rowBytes >= frameBytes && this.#complete > 0 ? this.#cut(frame) : undefined;
  }

  /** The frame with room for so much and for the tail; a row that is larger than a frame makes it grow. */
  #withRoom(bytes: number): Buffer {
    const { memory } = this.#writer;
    if (!this.#frame) {
      // Where one frame was not enough, the next one is going to be full, too.
      this.#frame = memory.take(this.#cuts > 0 ? frameBytes : this.#head.length + bytes + this.#tail.length);
      this.#frame.set(this.#head);
      this.#length = this.#head.length;
      this.#complete = 0;
    }
    const wanted = this.#length + bytes + this.#tail.length;
    if (wanted > this.#frame.length) {
      const larger = memory.take(wanted > frameBytes ? Math.max(wanted, 2 * this.#frame.length) : wanted);
      larger.set(this.#frame.subarray(0, this.#length));
      memory.giveBack(this.#frame);
      this.#frame = larger;
    }
    return this.#frame;
  }

  get #rowBytes(): number {
    return this.#frame ? this.#length - this.#head.length : 0;
  }

  get #isLong(): boolean {
    return this.#complete === 0 && this.#rowBytes >= longRowBytes;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done: Promise<void> = (this.#busy ?? Promise.resolve()).then(work).finally(() => {
      if (this.#busy === done) this.#busy = undefined;
    });
    this.#busy = done;
    return done;
  }

  #cut(frame: Buffer): Promise<void> | undefined {
    const end = this.#complete;
    const rest = frame.subarray(end, this.#length);
    this.#frame = undefined;
    this.#cuts++;
    if (rest.length > 0) {
      this.#withRoom(rest.length).set(rest, this.#length);
      this.#length += rest.length;
    }
    frame.set(this.#tail, end);
    const content = frame.subarray(0, end + this.#tail.length);
    return this.#writer.write(this.#kind, this.#oid, content, this.#head.length, this.#tail.length);
  }

  async #beginLong(): Promise<void> {
    this.#long = await this.#writer.beginLong(this.#kind, this.#oid, this.#wrapping);
    const frame = this.#frame;
    this.#frame = undefined;
    if (frame) await this.#long.push(frame.subarray(this.#head.length, this.#length));
  }

  async #continueLong(payload: Buffer): Promise<void> {
    // The long row may have ended while this waited.
    if (!this.#long) {
      await this.#gather(payload);
      if (this.#isLong) await this.#beginLong();
      return;
    }
    const rowEnd = payload.indexOf(newline);
    if (rowEnd < 0) return await this.#long.push(payload);
    await this.#long.push(payload.subarray(0, rowEnd + 1));
    await this.#long.end();
    this.#long = undefined;
    if (rowEnd + 1 < payload.length) await this.#gather(payload.subarray(rowEnd + 1));
  }
}
