import type { StagingRun } from '../../model/run.ts';
import { checksumSettings } from '../../postgres/checksum.ts';
import type { RowReader, RowSource } from '../../postgres/row-source.ts';
import { handOnStaging, openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';

/** One of the pairs of connections that load the next database. Each side is opened when it is first needed. */
export class Worker {
  /** Its place among all. */
  readonly number: number;
  readonly #run: StagingRun;
  readonly #rows: RowSource;
  readonly #database: string;
  readonly #settings: Readonly<Record<string, string>>;
  #source: Promise<RowReader> | undefined;
  #target: Promise<Session> | undefined;

  constructor(
    number: number,
    run: StagingRun,
    rows: RowSource,
    database: string,
    settings: Readonly<Record<string, string>>,
  ) {
    this.number = number;
    this.#run = run;
    this.#rows = rows;
    this.#database = database;
    this.#settings = settings;
  }

  /** Reads what is to be loaded. */
  source(): Promise<RowReader> {
    this.#source ??= this.#rows.open();
    return this.#source;
  }

  /** A session that writes to the next database. */
  target(): Promise<Session> {
    this.#target ??= openStaging(this.#run, this.#database, this.#settings);
    return this.#target;
  }

  /** Verification goes on with both of its connections. */
  async close(): Promise<void> {
    await (await this.#source?.catch(() => undefined))?.close();
    const target = await this.#target?.catch(() => undefined);
    if (target) await handOnStaging(this.#run, this.#database, target, checksumSettings);
  }

  /** After a failure a connection may be in the middle of a COPY, where no goodbye is understood. */
  async destroy(): Promise<void> {
    for (const session of [this.#source, this.#target]) (await session?.catch(() => undefined))?.destroy();
  }
}
