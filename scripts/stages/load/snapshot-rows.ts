import type { ArtifactWriter } from '../../artifact/writer.ts';
import type { Table } from '../../model/catalog.ts';
import type { Part, PlannedTable } from '../../model/plan.ts';
import { type Splice, spliceCopy } from '../../postgres/copy.ts';
import { copyLargeObjectsOut, largeObjectPages } from '../../postgres/large-objects.ts';
import { readingEnds } from '../../postgres/reading.ts';
import type {
  Copied,
  CopyFormat,
  CopyInto,
  CopyTablesInto,
  RowReader,
  RowSource,
} from '../../postgres/row-source.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { copyIn, copyOut } from './statements.ts';

/** Production's rows as the policy lets them out; the artifact, if there is one, gets the same bytes. */
export class SnapshotRows implements RowSource {
  readonly #snapshot: Snapshot;
  readonly #artifact: ArtifactWriter | undefined;

  readonly #tapped: ReadonlySet<number> | undefined;

  /** @param tapped oids of the tables that the artifact gets from here; undefined: all. */
  constructor(snapshot: Snapshot, artifact: ArtifactWriter | undefined, tapped?: ReadonlySet<number>) {
    this.#snapshot = snapshot;
    this.#artifact = artifact;
    this.#tapped = tapped;
  }

  async open(): Promise<RowReader> {
    return new SnapshotReader(
      this.#snapshot,
      await this.#snapshot.openReader(),
      this.#artifact,
      this.#tapped,
    );
  }
}

class SnapshotReader implements RowReader {
  readonly #snapshot: Snapshot;
  readonly #source: Session;
  readonly #artifact: ArtifactWriter | undefined;

  readonly #tapped: ReadonlySet<number> | undefined;

  constructor(
    snapshot: Snapshot,
    source: Session,
    artifact: ArtifactWriter | undefined,
    tapped: ReadonlySet<number> | undefined,
  ) {
    this.#snapshot = snapshot;
    this.#source = source;
    this.#artifact = artifact;
    this.#tapped = tapped;
  }

  /**
   * An artifact is SQL, so text. A mask's SQL gives a text that the column takes, whatever its type. And in the binary
   * format strings come in the session's encoding, whatever COPY says.
   */
  formatOf({ table, masks }: PlannedTable): CopyFormat {
    const binary =
      !this.#artifactOf(table) && masks.size === 0 && table.portableBinary && table.encoding === null;
    return binary ? 'binary' : 'text';
  }

  async copyRows(planned: PlannedTable, part: Part, into: CopyInto): Promise<Copied> {
    const { table } = planned;
    const out = copyOut(planned, part, this.formatOf(planned));
    return await this.#copy(into, out, this.#artifactOf(table)?.rows(table.oid, copyIn(table, 'text')));
  }

  async copyTables(tables: readonly PlannedTable[], into: CopyTablesInto): Promise<void> {
    const out = tables.map((planned) => copyOut(planned, wholeTable, this.formatOf(planned)));
    const frames = tables.map(({ table }) => this.#artifactOf(table)?.rows(table.oid, copyIn(table, 'text')));
    let bytes = 0;
    let done = 0;
    await spliceCopy({
      ...into,
      source: this.#source,
      copyOut: [...out, readingEnds].join(';\n'),
      onBytes: (more) => {
        bytes += more;
        into.onBytes(more);
      },
      onCopied: (rows) => {
        into.onCopied({ rows, bytes });
        [bytes, done] = [0, done + 1];
      },
      tap: (message) => frames[done]?.push(message.subarray(copyDataHeaderBytes)),
    });
    for (const frame of frames) await frame?.end();
  }

  async copyLargeObjects(oids: readonly number[], into: CopyInto): Promise<Copied> {
    const frames = this.#artifact?.largeObjects(oids[0] ?? 0, largeObjectPages);
    return await this.#copy(into, copyLargeObjectsOut(oids), frames);
  }

  async close(): Promise<void> {
    this.#snapshot.giveBack(this.#source);
  }

  destroy(): void {
    this.#source.destroy();
  }

  #artifactOf({ oid }: Table): ArtifactWriter | undefined {
    return this.#tapped?.has(oid) === false ? undefined : this.#artifact;
  }

  async #copy(
    into: CopyInto,
    out: string,
    frames: ReturnType<ArtifactWriter['rows']> | undefined,
  ): Promise<Copied> {
    const splice: Splice = {
      ...into,
      source: this.#source,
      copyOut: `${out};\n${readingEnds}`,
      ...(frames ? { tap: (message: Buffer) => frames.push(message.subarray(copyDataHeaderBytes)) } : {}),
    };
    const { rowsIn, bytes } = await spliceCopy(splice);
    await frames?.end();
    return { rows: rowsIn, bytes };
  }
}

const wholeTable: Part = { from: null, to: null, bytes: 0 };

/** The message's type and length (manual, 53.7). */
const copyDataHeaderBytes = 5;
