import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../system/atomic-file.ts';
import { makeFolder } from '../system/folder.ts';
import type { AgeEncryption } from './age.ts';
import { partialName } from './artifact-name.ts';
import { fileError } from './file-error.ts';

/** What a finished file is. */
export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
  /** Of the file as it lies there, for `sha256sum`. */
  readonly sha256: string;
}

/** Writes one file under a temporary name; it gets its own only when it is whole and on the disk. */
export class Sink implements AsyncDisposable {
  readonly path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #encryption: AgeEncryption | undefined;
  readonly #hash: Hash = createHash('sha256');
  #tail: Promise<unknown> = Promise.resolve();
  /** Bytes of the clear file so far. */
  #clear = 0;
  #written = 0;
  #open = true;

  private constructor(path: string, temporary: string, file: FileHandle, encryption?: AgeEncryption) {
    this.path = path;
    this.#temporary = temporary;
    this.#file = file;
    this.#encryption = encryption;
  }

  /** @throws RefreshError `disk-full`, `artifact-failed`. */
  static async create(path: string, encryption: AgeEncryption | undefined): Promise<Sink> {
    const temporary = partialName(path);
    try {
      await makeFolder(dirname(path));
      const sink = new Sink(path, temporary, await open(temporary, 'wx', 0o600), encryption);
      if (encryption) await sink.#write(encryption.start);
      return sink;
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  /** Appends a piece whole, after all that was appended before; returns where it begins in the clear file. */
  append(content: Buffer): Promise<number> {
    const appended = this.#tail.then(async () => {
      const offset = this.#clear;
      this.#clear += content.length;
      await this.#write(this.#encryption ? this.#encryption.push(content) : content);
      return offset;
    });
    this.#tail = appended;
    // Whoever appends sees the failure; one that nobody waits for any more must not end the process.
    appended.catch(() => undefined);
    return appended;
  }

  /** The same for a piece that comes bit by bit: nothing else gets in between. */
  appendStream(content: AsyncIterable<Buffer>): Promise<number> {
    const appended = this.#tail.then(async () => {
      const offset = this.#clear;
      for await (const chunk of content) {
        this.#clear += chunk.length;
        await this.#write(this.#encryption ? this.#encryption.push(chunk) : chunk);
      }
      return offset;
    });
    this.#tail = appended;
    appended.catch(() => undefined);
    return appended;
  }

  /** Makes the file last under its own name. */
  async finish(): Promise<WrittenFile> {
    await this.#tail;
    try {
      if (this.#encryption) await this.#write(this.#encryption.end());
      await this.#file.sync();
      await this.#file.close();
      await giveName(this.#temporary, this.path);
      this.#open = false;
      await syncFolder(dirname(this.path));
    } catch (cause) {
      throw fileError(this.path, cause);
    }
    return { path: this.path, bytes: this.#written, sha256: this.#hash.digest('hex') };
  }

  /** Leaves nothing behind unless the file was finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#tail.catch(() => undefined);
    await this.#file.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }

  async #write(content: Buffer): Promise<void> {
    this.#hash.update(content);
    try {
      for (let from = 0; from < content.length; ) {
        const { bytesWritten } = await this.#file.write(content, from, content.length - from);
        from += bytesWritten;
      }
    } catch (cause) {
      throw fileError(this.path, cause);
    }
    this.#written += content.length;
  }
}

/** Never in another file's place: a run that began in the same second may have taken the name. */
async function giveName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') throw error;
    // A file system without hard links.
    return await rename(temporary, path);
  }
  await unlink(temporary);
}
