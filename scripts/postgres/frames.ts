/** Message types of PostgreSQL's protocol 3.0 (manual, 53.7 "Message Formats"). */
const copyData = 0x64; // 'd'
const headerBytes = 5;

/** CopyDone, the whole message. */
export const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

/**
 * Separates the CopyData messages in a server's answer from all others, in whatever chunks the network brings them.
 * A server sends one CopyData a row; what leaves here is one CopyData a chunk, since a COPY stream may be cut into
 * messages anywhere (manual, 53.2.6) and few large ones cost the receiver much less than many small ones.
 * Only headers are looked at: no row becomes a value.
 */
export class CopyDataFilter {
  readonly #onCopyData: (message: Buffer) => void;
  readonly #onOther: (bytes: Buffer) => void;
  readonly #header = Buffer.alloc(headerBytes);
  #headerLength = 0;
  /** Bytes of the current message that are still to come. */
  #remaining = 0;
  #inCopyData = false;
  /** The CopyData message that is being put together from the current chunk, and its length so far. */
  #message: Buffer | undefined;
  #length = headerBytes;

  /**
   * @param onCopyData gets whole CopyData messages, header included, that the caller may keep.
   * @param onOther gets everything else as it came, headers included, in order.
   */
  constructor(onCopyData: (message: Buffer) => void, onOther: (bytes: Buffer) => void) {
    this.#onCopyData = onCopyData;
    this.#onOther = onOther;
  }

  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#remaining > 0) {
        const end = Math.min(chunk.length, position + this.#remaining);
        if (this.#inCopyData) this.#keep(chunk, position, end);
        else this.#onOther(chunk.subarray(position, end));
        this.#remaining -= end - position;
        position = end;
      } else if (this.#headerLength === 0 && chunk.length - position >= headerBytes) {
        this.#begin(chunk, position);
        position += headerBytes;
      } else {
        position = this.#gatherHeader(chunk, position);
      }
    }
    this.#flush();
  }

  /** Takes a payload. The chunk is copied once as a whole, then payloads move left over the headers between them. */
  #keep(chunk: Buffer, from: number, end: number): void {
    if (!this.#message) {
      this.#message = Buffer.allocUnsafeSlow(headerBytes + chunk.length);
      this.#message.set(chunk, headerBytes);
      this.#length = headerBytes;
    }
    this.#message.copyWithin(this.#length, from + headerBytes, end + headerBytes);
    this.#length += end - from;
  }

  #gatherHeader(chunk: Buffer, from: number): number {
    let position = from;
    while (position < chunk.length && this.#headerLength < headerBytes) {
      this.#header[this.#headerLength++] = chunk[position++] as number;
    }
    if (this.#headerLength === headerBytes) {
      this.#headerLength = 0;
      this.#begin(this.#header, 0);
    }
    return position;
  }

  #begin(bytes: Buffer, position: number): void {
    this.#remaining = bytes.readUInt32BE(position + 1) - 4;
    this.#inCopyData = bytes[position] === copyData;
    if (this.#inCopyData) return;
    // What the server says after the last row must not overtake it.
    this.#flush();
    // A copy, since the bytes may lie in our own scratch header and pg's parser keeps what it is given.
    this.#onOther(Buffer.from(bytes.subarray(position, position + headerBytes)));
  }

  #flush(): void {
    if (!this.#message) return;
    const message = this.#message.subarray(0, this.#length);
    this.#message = undefined;
    message[0] = copyData;
    message.writeUInt32BE(message.length - 1, 1);
    this.#onCopyData(message);
  }
}
