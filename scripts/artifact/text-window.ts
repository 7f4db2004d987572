/** The part of a text that is in memory: it grows at its end and shrinks from its beginning. */
export class TextWindow {
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #complete = false;

  /** What is there; valid until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Whether nothing more will come. */
  get complete(): boolean {
    return this.#complete;
  }

  append(chunk: Buffer): void {
    const length = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      // Twice what is needed, so that a long statement is not copied again with each chunk.
      const grown = Buffer.allocUnsafe(Math.max(2 * (length + chunk.length), 4 * 1024 * 1024));
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      this.#buffer = grown;
      this.#start = 0;
      this.#end = length;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  end(): void {
    this.#complete = true;
  }

  drop(length: number): void {
    this.#start += length;
  }

  /** Drops these bytes and returns them; valid until the next call. */
  take(length: number): Buffer {
    const taken = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length;
    return taken;
  }
}
