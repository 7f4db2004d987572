/** Rows are gathered to frames of about this size: large enough to compress well, small enough to keep many in memory. */
export const frameBytes = 2 * 1024 * 1024;

/** For the SQL around the rows and for what the last message brings beyond the frame's size. */
const slackBytes = 256 * 1024;

/** Many small tables are gathered at once, each in a frame of its own: those need little. */
const sizes = [32 * 1024, 256 * 1024, frameBytes + slackBytes];

/** Memory for frames, used again: V8 would answer its coming and going by marking the whole heap, over and over. */
export class FrameMemory {
  readonly #free = new Map<number, Buffer[]>(sizes.map((size) => [size, []]));

  /** What nobody uses now is no longer kept. */
  letGo(): void {
    for (const free of this.#free.values()) free.length = 0;
  }

  /** At least so many bytes. */
  take(bytes: number): Buffer {
    const size = sizes.find((each) => each >= bytes) ?? bytes;
    return this.#free.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
  }

  /** Takes back what `take` gave, or a part of it; what is larger than a frame is left to the collector. */
  giveBack({ buffer }: Buffer): void {
    this.#free.get(buffer.byteLength)?.push(Buffer.from(buffer));
  }
}
