/** Rows are gathered to frames of about this size: large enough to compress well, small enough to keep many in memory. */
export const frameBytes = 2 * 1024 * 1024;

/** For the SQL around the rows and for what the last message brings beyond the frame's size. */
const slackBytes = 256 * 1024;

/** Memory for frames, used again: V8 would answer its coming and going by marking the whole heap, over and over. */
export class FrameMemory {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(frameBytes + slackBytes);
  }

  /** Takes back what `take` gave, or a part of it; anything else is left to the collector. */
  giveBack({ buffer }: Buffer): void {
    if (buffer.byteLength === frameBytes + slackBytes) this.#free.push(Buffer.from(buffer));
  }
}
