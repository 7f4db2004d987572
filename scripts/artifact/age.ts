import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { RefreshError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

/**
 * The age format, version 1 (age-encryption.org/v1): `age-encryption` makes and opens the header, that is to say the
 * keys (age-header.ts); the payload, cut into chunks of 64 KiB, is Node's own ChaCha20-Poly1305. Chunks are sealed one by one, so any
 * part of a file can be read without the rest, and no clear copy of it has to lie anywhere.
 */
const chunkBytes = 64 * 1024;
const tagBytes = 16;
const nonceBytes = 16;
const algorithm = 'chacha20-poly1305';
const firstLine = 'age-encryption.org/v1\n';
/** Longest header that is looked for: many recipients, or post-quantum ones. */
export const headerLimitBytes = 256 * 1024;

/** In the header of each file that we write; other readers of age pass over it ("Recipient stanza"). */
const ownStanza = 'staging-refresh';

/** Whether an age file is one of ours. @param start at least the header, or as much of it as there is. */
export function isOurAge(start: Buffer): boolean {
  return argumentsOfOurs(start) !== undefined;
}

/** Id of the database that an encrypted file of ours is of; undefined for a stranger's, and for one that doesn't say. */
export function databaseIdOfAge(start: Buffer): string | undefined {
  return argumentsOfOurs(start)?.[1];
}

/** What stands in our stanza: `artifact`, and the database's id unless the file is an older one. */
function argumentsOfOurs(start: Buffer): string[] | undefined {
  if (!isAge(start)) return undefined;
  const lines = (start.toString('latin1').split('\n---', 1)[0] ?? '').split('\n');
  const ours = lines
    .map((line) => line.split(' '))
    .find(([mark, type]) => mark === '->' && type === ownStanza);
  return ours?.slice(2);
}

/** Whether a file begins as age files do. */
export function isAge(start: Buffer): boolean {
  return start.subarray(0, firstLine.length).toString('latin1') === firstLine;
}

/**
 * Proves before anything is written that a recipient is one, and that this identity, if there is one, opens what is
 * encrypted for it.
 *
 * @throws RefreshError `bad-flag`, `bad-environment`.
 */
export async function requireKeys(recipient: string, identity: Secret | undefined): Promise<void> {
  const { start } = await AgeEncryption.forRecipient(recipient);
  if (!identity) return;
  const header = start.subarray(0, start.length - nonceBytes);
  await openHeader('--recipient', header, identity).catch((cause: unknown) => {
    if (!(cause instanceof RefreshError) || cause.code !== 'bad-file') throw cause;
    throw new RefreshError('bad-environment', 'it does not open what is encrypted for the recipient', {
      object: 'REFRESH_AGE_IDENTITY',
      hint: 'give the secret key that belongs to --recipient: age-keygen -y prints an identity’s recipient',
      cause,
    });
  });
}

/** Encrypts what is appended, chunk by chunk. */
export class AgeEncryption {
  /** Header and nonce: what stands before the first chunk. */
  readonly start: Buffer;
  readonly #key: Buffer;
  #number = 0;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(start: Buffer, key: Buffer) {
    this.start = start;
    this.#key = key;
  }

  /**
   * @param databaseId stands in the header, for databaseIdOfAge().
   * @throws RefreshError `bad-flag` for what is no recipient.
   */
  static async forRecipient(recipient: string, databaseId?: string): Promise<AgeEncryption> {
    const { makeHeader } = await ageHeader();
    const { header, fileKey } = await makeHeader(recipient, [
      ownStanza,
      'artifact',
      ...(databaseId ? [databaseId] : []),
    ]);
    const nonce = randomBytes(nonceBytes);
    return new AgeEncryption(Buffer.concat([header, nonce]), payloadKey(fileKey, nonce));
  }

  /** Chunks that are complete now. The last one is held back: only the end of the file says that it is the last. */
  push(content: Buffer): Buffer {
    const all = this.#pending.length > 0 ? Buffer.concat([this.#pending, content]) : content;
    const sealed: Buffer[] = [];
    let position = 0;
    for (; all.length - position > chunkBytes; position += chunkBytes) {
      sealed.push(...this.#seal(all.subarray(position, position + chunkBytes), false));
    }
    this.#pending = Buffer.from(all.subarray(position));
    return Buffer.concat(sealed);
  }

  end(): Buffer {
    return Buffer.concat(this.#seal(this.#pending, true));
  }

  #seal(chunk: Buffer, last: boolean): Buffer[] {
    const cipher = createCipheriv(algorithm, this.#key, chunkNonce(this.#number++, last), {
      authTagLength: tagBytes,
    });
    return [cipher.update(chunk), cipher.final(), cipher.getAuthTag()];
  }
}

/** Reads any part of an encrypted file; every chunk proves itself. */
export class AgeDecryption {
  /** Bytes of the clear file. */
  readonly size: number;
  readonly #key: Buffer;
  readonly #payloadAt: number;
  readonly #read: ReadAt;
  readonly #path: string;

  private constructor(size: number, key: Buffer, payloadAt: number, read: ReadAt, path: string) {
    this.size = size;
    this.#key = key;
    this.#payloadAt = payloadAt;
    this.#read = read;
    this.#path = path;
  }

  /** @throws RefreshError `bad-environment` without the right identity, `bad-file` for a damaged header. */
  static async open(
    path: string,
    fileBytes: number,
    read: ReadAt,
    identity: Secret | undefined,
  ): Promise<AgeDecryption> {
    if (!identity) {
      throw new RefreshError('bad-environment', 'the file is encrypted and no identity is given', {
        object: 'REFRESH_AGE_IDENTITY',
        hint: 'set it to the secret key, AGE-SECRET-KEY-1…, that belongs to the recipient',
      });
    }
    const start = await read(0, Math.min(fileBytes, headerLimitBytes));
    const mac = /\n--- [A-Za-z0-9+/]+\n/.exec(start.toString('latin1'));
    if (!mac) throw damagedAge(path);
    const headerBytes = mac.index + mac[0].length;
    const payloadAt = headerBytes + nonceBytes;
    const payloadBytes = fileBytes - payloadAt;
    if (payloadBytes < tagBytes) throw damagedAge(path);
    const fileKey = await openHeader(path, start.subarray(0, headerBytes), identity);
    const chunks = Math.ceil(payloadBytes / (chunkBytes + tagBytes));
    const key = payloadKey(fileKey, await read(headerBytes, nonceBytes));
    return new AgeDecryption(payloadBytes - chunks * tagBytes, key, payloadAt, read, path);
  }

  /** @throws RefreshError `bad-file` where a chunk was altered, moved or is missing. */
  async read(offset: number, length: number): Promise<Buffer> {
    const first = Math.floor(offset / chunkBytes);
    const last = Math.floor(Math.max(offset, offset + length - 1) / chunkBytes);
    const lastOfAll = Math.max(0, Math.ceil(this.size / chunkBytes) - 1);
    const clearEnd = Math.min(this.size, (last + 1) * chunkBytes);
    const sealedBytes = clearEnd - first * chunkBytes + (last - first + 1) * tagBytes;
    const sealed = await this.#read(this.#payloadAt + first * (chunkBytes + tagBytes), sealedBytes);
    const clear: Buffer[] = [];
    for (let number = first; number <= last; number++) {
      const at = (number - first) * (chunkBytes + tagBytes);
      clear.push(this.#open(sealed.subarray(at, at + chunkBytes + tagBytes), number, number === lastOfAll));
    }
    const from = offset - first * chunkBytes;
    return Buffer.concat(clear).subarray(from, from + length);
  }

  #open(sealed: Buffer, number: number, last: boolean): Buffer {
    try {
      const cipher = createDecipheriv(algorithm, this.#key, chunkNonce(number, last), {
        authTagLength: tagBytes,
      });
      cipher.setAuthTag(sealed.subarray(-tagBytes));
      return Buffer.concat([cipher.update(sealed.subarray(0, -tagBytes)), cipher.final()]);
    } catch (cause) {
      throw damagedAge(this.#path, cause);
    }
  }
}

/** Reads exactly this many bytes of a file. @param memory where they may lie, if it is large enough. */
export type ReadAt = (offset: number, length: number, memory?: Buffer) => Promise<Buffer>;

/** Where the library is read: not before there is something to encrypt or to open. */
const ageHeader = () => import('./age-header.ts');

async function openHeader(path: string, header: Buffer, identity: Secret): Promise<Uint8Array> {
  return await (await ageHeader()).openHeader(path, header, identity);
}

function payloadKey(fileKey: Uint8Array, nonce: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/** Eleven bytes of counter, one that marks the last chunk. */
function chunkNonce(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function damagedAge(path: string, cause?: unknown): RefreshError {
  return new RefreshError('bad-file', 'the encrypted file was altered or cut', {
    object: path,
    hint: 'the file is damaged or incomplete: take another one; nothing was touched',
    ...(cause === undefined ? {} : { cause }),
  });
}
