import type { Part, PlannedTable } from '../model/plan.ts';
import { feedCopies, feedCopy } from '../postgres/copy-feed.ts';
import type { Copied, CopyInto, RowReader, RowSource } from '../postgres/row-source.ts';
import type { Frame, Piece } from './index-schema.ts';
import type { ArtifactReader } from './reader.ts';

/** An artifact's rows. A part's range is one of the table's frames, in the order of the file. */
export class ArtifactRows implements RowSource {
  readonly #reader: ArtifactReader;
  readonly #frames: ReadonlyMap<string, readonly Frame[]>;

  constructor(reader: ArtifactReader) {
    this.#reader = reader;
    const pieces = Map.groupBy(reader.index.pieces, key);
    this.#frames = new Map([...pieces].map(([name, group]) => [name, group.map(({ frame }) => frame)]));
  }

  framesOf(table: number): readonly Frame[] {
    return this.#frames.get(key({ kind: 'rows', oid: table })) ?? [];
  }

  async open(): Promise<RowReader> {
    const reader = this.#reader;
    const rowsOf = async function* (
      frames: readonly Frame[],
      onBytes: (bytes: number) => void,
    ): AsyncGenerator<Buffer> {
      for (const frame of frames) {
        for await (const chunk of reader.rows(frame)) {
          onBytes(chunk.length);
          yield chunk;
        }
      }
    };
    const copy = async (frames: readonly Frame[], into: CopyInto): Promise<Copied> => {
      let bytes = 0;
      const rows = rowsOf(frames, (more) => {
        bytes += more;
        into.onBytes(more);
      });
      const count = await feedCopy(into.target, into.copyIn, rows, into.object);
      return { rows: count, bytes };
    };
    return {
      formatOf: () => 'text',
      copyRows: async ({ table }: PlannedTable, part: Part, into) =>
        await copy(this.framesOf(table.oid).slice(part.from ?? 0, part.to ?? undefined), into),
      copyTables: async (tables, { target, copyIn, objects, onBytes, onCopied }) => {
        const bytes = tables.map(() => 0);
        let done = 0;
        const fed = tables.map(({ table }, index) => {
          const rows = rowsOf(this.framesOf(table.oid), (more) => {
            bytes[index] = (bytes[index] ?? 0) + more;
            onBytes(more);
          });
          return { rows, object: objects[index] ?? '' };
        });
        await feedCopies(target, copyIn, fed, (rows) => onCopied({ rows, bytes: bytes[done++] ?? 0 }));
      },
      copyLargeObjects: async (oids, into) =>
        await copy(this.#frames.get(key({ kind: 'large-objects', oid: oids[0] ?? 0 })) ?? [], into),
      close: async () => undefined,
      destroy: () => undefined,
    };
  }
}

function key({ kind, oid }: Pick<Piece, 'kind' | 'oid'>): string {
  return `${kind} ${oid}`;
}
