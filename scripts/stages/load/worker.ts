import type { Run } from '../../model/run.ts';
import { openStaging, type Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';

/** One of the pairs of connections that load the next database. Each side is opened when it is first needed. */
export class Worker {
  readonly #run: Run;
  readonly #snapshot: Snapshot;
  readonly #database: string;
  readonly #settings: Readonly<Record<string, string>>;
  #source: Promise<Session> | undefined;
  #target: Promise<Session> | undefined;

  constructor(run: Run, snapshot: Snapshot, database: string, settings: Readonly<Record<string, string>>) {
    this.#run = run;
    this.#snapshot = snapshot;
    this.#database = database;
    this.#settings = settings;
  }

  /** A session that reads production under the snapshot. */
  source(): Promise<Session> {
    this.#source ??= this.#snapshot.openReader();
    return this.#source;
  }

  /** A session that writes to the next database. */
  target(): Promise<Session> {
    this.#target ??= openStaging(this.#run, this.#database, this.#settings);
    return this.#target;
  }

  async close(): Promise<void> {
    for (const session of [this.#source, this.#target])
      await (await session?.catch(() => undefined))?.close();
  }

  /** After a failure a connection may be in the middle of a COPY, where no goodbye is understood. */
  async destroy(): Promise<void> {
    for (const session of [this.#source, this.#target]) (await session?.catch(() => undefined))?.destroy();
  }
}
