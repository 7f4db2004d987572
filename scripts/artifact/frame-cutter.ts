import type { FrameWriter } from './frame-writer.ts';
import type { LongFrame } from './long-frame.ts';

const newline = 0x0a;

/** Rows are gathered to frames of about this size: large enough to compress well, small enough to keep many in memory. */
const frameBytes = 4 * 1024 * 1024;
/** A row that is longer than this goes through a file instead of memory. */
const longRowBytes = 32 * 1024 * 1024;

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
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes up to the last line break. */
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
  }

  /** Takes rows, cut anywhere. A returned promise asks to wait before more is given. */
  push(payload: Buffer): Promise<void> | undefined {
    if (this.#busy || this.#long) return this.#enqueue(() => this.#continueLong(payload));
    const wait = this.#gather(payload);
    return this.#isLong ? this.#enqueue(() => this.#beginLong()) : wait;
  }

  /** The last frame; resolves when it is on its way, not when it is written. */
  async end(): Promise<void> {
    await this.#busy;
    if (this.#bytes > 0) await this.#cut();
  }

  #gather(payload: Buffer): Promise<void> | undefined {
    const lineEnd = payload.lastIndexOf(newline);
    if (lineEnd >= 0) this.#complete = this.#bytes + lineEnd + 1;
    this.#chunks.push(payload);
    this.#bytes += payload.length;
    if (this.#bytes < frameBytes) return undefined;
    return this.#complete > 0 ? this.#cut() : undefined;
  }

  get #isLong(): boolean {
    return this.#complete === 0 && this.#bytes >= longRowBytes;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done: Promise<void> = (this.#busy ?? Promise.resolve()).then(work).finally(() => {
      if (this.#busy === done) this.#busy = undefined;
    });
    this.#busy = done;
    return done;
  }

  #cut(): Promise<void> | undefined {
    const all = Buffer.concat([Buffer.from(this.#wrapping.head, 'utf8'), ...this.#chunks]);
    const headBytes = all.length - this.#bytes;
    const end = headBytes + this.#complete;
    const rest = Buffer.from(all.subarray(end));
    const content = Buffer.concat([all.subarray(0, end), Buffer.from(this.#wrapping.tail, 'utf8')]);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    this.#complete = 0;
    return this.#writer.write(this.#kind, this.#oid, content, headBytes, content.length - end);
  }

  async #beginLong(): Promise<void> {
    this.#long = await this.#writer.beginLong(this.#kind, this.#oid, this.#wrapping);
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    for (const chunk of chunks) await this.#long.push(chunk);
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
