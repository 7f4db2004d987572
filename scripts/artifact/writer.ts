import { RefreshError } from '../model/errors.ts';
import { AgeEncryption } from './age.ts';
import { formatVersion, greetingFrame, indexFrame } from './format.ts';
import { FrameCutter } from './frame-cutter.ts';
import { FrameWriter } from './frame-writer.ts';
import type { ArtifactIndex } from './index-schema.ts';
import { packJson } from './index-text.ts';
import { Sink } from './sink.ts';

export interface ArtifactOptions {
  readonly path: string;
  /** Folder for rows that do not fit in memory. */
  readonly temporary: string;
  /** age recipient; undefined for a clear file. */
  readonly recipient: string | undefined;
  /** See artifact/database-id.ts; in the header of an encrypted file, in the index of a clear one. */
  readonly databaseId: string | undefined;
  /** Frames that are compressed at the same time. */
  readonly atOnce: number;
}

/** Writes one artifact. Disposed of before it was complete, it leaves no file. */
export class ArtifactWriter implements AsyncDisposable {
  readonly encrypted: boolean;
  readonly #sink: Sink;
  readonly #frames: FrameWriter;
  #complete = false;

  private constructor(sink: Sink, options: ArtifactOptions) {
    this.#sink = sink;
    this.encrypted = options.recipient !== undefined;
    this.#frames = new FrameWriter(sink, options.temporary, options.atOnce);
  }

  static async create(options: ArtifactOptions): Promise<ArtifactWriter> {
    const { path, recipient, databaseId } = options;
    const encryption =
      recipient === undefined ? undefined : await AgeEncryption.forRecipient(recipient, databaseId);
    const sink = await Sink.create(path, encryption);
    try {
      await sink.append(greetingFrame());
    } catch (error) {
      await sink[Symbol.asyncDispose]();
      throw error;
    }
    return new ArtifactWriter(sink, options);
  }

  /** A frame of statements, after all that was given before it and before all that follows. */
  async definitions(script: string): Promise<void> {
    await this.#frames.settled();
    await this.#frames.write('definitions', 0, Buffer.from(script, 'utf8'));
    await this.#frames.settled();
  }

  /** Takes the rows of one part of a table. @param copyIn the COPY … FROM STDIN statement. */
  rows(table: number, copyIn: string): FrameCutter {
    return new FrameCutter(this.#frames, 'rows', table, { head: `${copyIn};\n`, tail: '\\.\n' });
  }

  /** Takes pages of large objects, as postgres/large-objects.ts reads them. @param first oid that names the batch. */
  largeObjects(first: number, wrapping: { readonly head: string; readonly tail: string }): FrameCutter {
    return new FrameCutter(this.#frames, 'large-objects', first, wrapping);
  }

  /** After the rows: lets go of the memory that it takes to gather and compress many frames at once. */
  async rest(): Promise<void> {
    await this.#frames.settled();
    await this.#frames.close();
    this.#frames.memory.letGo();
  }

  /** Something for our own reader. */
  async attach(content: Buffer): Promise<void> {
    await this.#frames.attach(content);
  }

  /** Writes the index; what is returned gives the file its own name, and is the caller's to dispose of. */
  async complete(about: Omit<ArtifactIndex, 'format' | 'pieces'>): Promise<Sink> {
    await this.#frames.settled();
    const pieces = this.#frames.pieces.toSorted((a, b) => a.frame.offset - b.frame.offset);
    const index: ArtifactIndex = { format: formatVersion, ...about, pieces };
    const packed = await packJson(index);
    if (packed.length >= 2 ** 32 - 1024) {
      throw new RefreshError('unclassified', 'the index does not fit into one frame', {
        object: this.#sink.path,
      });
    }
    await this.#sink.append(indexFrame(packed));
    await this.#frames.close();
    this.#complete = true;
    return this.#sink;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#complete) return;
    await this.#frames.settled().catch(() => undefined);
    await this.#frames.close();
    await this.#sink[Symbol.asyncDispose]();
  }
}
