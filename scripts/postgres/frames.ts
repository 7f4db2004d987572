/** Message types of PostgreSQL's protocol 3.0 (manual, 53.7 "Message Formats"). */
const copyData = 0x64; // 'd'
const headerBytes = 5;

/** CopyDone, the whole message. */
export const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

/** What leaves in one message, unless a chunk is larger: four TLS records, and one write instead of many. */
const messageBytes = 64 * 1024;

/**
 * Separates the CopyData messages in a server's answer from all others, in whatever chunks the network brings them.
 * A server sends one CopyData a row; what leaves here are few large ones, since a COPY stream may be cut into messages
 * anywhere (manual, 53.2.6) and each one costs the receiver. Only headers are looked at: no row becomes a value.
 */
export class CopyDataFilter {
  readonly #onCopyData: (message: Buffer) => void;
  readonly #onOther: (bytes: Buffer) => void;
  readonly #header = Buffer.alloc(headerBytes);
  #headerLength = 0;
  /** Bytes of the current message that are still to come. */
  #remaining = 0;
  #inCopyData = false;
  /** Buffers that were given back. */
  readonly #free: Buffer[] = [];
  /** The CopyData message that is being put together, and its length so far. */
  #message: Buffer | undefined;
  #length = headerBytes;
  /** Where the current chunk begins in the message: it is copied as a whole, then payloads move left over headers. */
  #copiedAt: number | undefined;

  /**
   * @param onCopyData gets whole CopyData messages, header included: theirs until they are given back.
   * @param onOther gets everything else as it came, headers included, in order.
   */
  constructor(onCopyData: (message: Buffer) => void, onOther: (bytes: Buffer) => void) {
    this.#onCopyData = onCopyData;
    this.#onOther = onOther;
  }

  push(chunk: Buffer): void {
    this.#makeRoom(chunk.length);
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
    this.#copiedAt = undefined;
  }

  /** Lets go of the rows that are gathered; they wait for more otherwise. */
  flush(): void {
    if (!this.#message || this.#length === headerBytes) return;
    const message = this.#message.subarray(0, this.#length);
    this.#message = undefined;
    this.#copiedAt = undefined;
    message[0] = copyData;
    message.writeUInt32BE(message.length - 1, 1);
    this.#onCopyData(message);
  }

  /** Takes a message back once nobody reads it any more: memory is used again instead of being collected. */
  giveBack(message: Buffer): void {
    if (message.buffer.byteLength === headerBytes + messageBytes) {
      this.#free.push(Buffer.from(message.buffer));
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#message && this.#length + bytes > this.#message.length) this.flush();
  }

  #keep(chunk: Buffer, from: number, end: number): void {
    const message = this.#writable(chunk.length - from);
    if (this.#copiedAt === undefined) {
      // Bytes before `from` are of other messages.
      message.set(from === 0 ? chunk : chunk.subarray(from), this.#length);
      this.#copiedAt = this.#length - from;
    }
    const begin = this.#copiedAt + from;
    if (begin !== this.#length) message.copyWithin(this.#length, begin, this.#copiedAt + end);
    this.#length += end - from;
  }

  #writable(bytes: number): Buffer {
    if (!this.#message) {
      this.#message =
        bytes <= messageBytes
          ? (this.#free.pop() ?? Buffer.allocUnsafeSlow(headerBytes + messageBytes))
          : Buffer.allocUnsafeSlow(headerBytes + bytes);
      this.#length = headerBytes;
    }
    return this.#message;
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
    this.flush();
    // A copy, since the bytes may lie in our own scratch header and pg's parser keeps what it is given.
    this.#onOther(Buffer.from(bytes.subarray(position, position + headerBytes)));
  }
}
