import type { Part, PlannedTable } from '../model/plan.ts';
import { feedCopy } from '../postgres/copy-feed.ts';
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
    const copy = async (frames: readonly Frame[], into: CopyInto): Promise<Copied> => {
      let bytes = 0;
      const rows = async function* (): AsyncGenerator<Buffer> {
        for await (const chunk of oneAhead(frames, (frame) => reader.rows(frame))) {
          bytes += chunk.length;
          into.onBytes(chunk.length);
          yield chunk;
        }
      };
      const count = await feedCopy(into.target, into.copyIn, rows(), into.object);
      return { rows: count, bytes };
    };
    return {
      formatOf: () => 'text',
      copyRows: async ({ table }: PlannedTable, part: Part, into) =>
        await copy(this.framesOf(table.oid).slice(part.from ?? 0, part.to ?? undefined), into),
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

/** Begins to read and decompress the next frame while the server still takes the current one. */
async function* oneAhead(
  frames: readonly Frame[],
  open: (frame: Frame) => AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  const begin = (frame: Frame | undefined) => {
    const rows = frame ? open(frame) : undefined;
    const first = rows?.next();
    first?.catch(() => undefined);
    return { rows, first };
  };
  let ahead = begin(frames[0]);
  for (let number = 1; ahead.rows; number++) {
    const { rows, first } = ahead;
    ahead = begin(frames[number]);
    for (let step = await first; step && !step.done; step = await rows.next()) yield step.value;
  }
}
