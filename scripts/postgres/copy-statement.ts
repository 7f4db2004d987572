import type { Client } from 'pg';
import { pipelined } from './pg-client.ts';

interface Connection {
  query(text: string): void;
}

/** Ends what one of several tables needs: its tag (manual, 53.7, CommandComplete) is nobody else's. */
export const sectionEnd = 'show server_version_num';

/** A COPY statement as `pg` wants its queries ("Submittable"): told of each message that concerns it. */
export class CopyStatement {
  /** Resolves with the number of rows when the server is done with the whole statement. */
  readonly complete: Promise<number>;
  /** Rows of each COPY that is done. */
  readonly counts: number[] = [];
  /** Tables that are done with: see sectionEnd. */
  sections = 0;
  readonly #text: string;
  readonly #onCopied: (rows: number) => void;
  #over = false;
  #onComplete: (rows: number) => void = () => undefined;
  #onError: (error: Error) => void = () => undefined;

  /** @param onCopied told of the rows of each COPY that is done. */
  constructor(text: string, onCopied: (rows: number) => void = () => undefined) {
    this.#text = text;
    this.#onCopied = onCopied;
    this.complete = new Promise((resolve, reject) => {
      this.#onComplete = resolve;
      this.#onError = reject;
    });
  }

  /** Sends it, alone on its connection: what came behind it would be taken for rows. */
  begin(client: Client): void {
    pipelined(client, false);
    client.query(this);
    const over = () => pipelined(client, true);
    this.complete.then(over, over);
  }

  /** Whether it has succeeded or failed. */
  get over(): boolean {
    return this.#over;
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(): void {
    // `pg` has to find this; there is nothing to do, since the rows are under way already.
  }

  handleCommandComplete(message: { text: string }): void {
    if (message.text === 'SHOW') this.sections++;
    const rows = /^COPY (\d+)$/.exec(message.text)?.[1];
    if (rows === undefined) return;
    this.counts.push(Number(rows));
    this.#onCopied(Number(rows));
  }

  handleReadyForQuery(): void {
    this.#over = true;
    this.#onComplete(this.counts.reduce((sum, rows) => sum + rows, 0));
  }

  handleError(error: Error): void {
    this.#over = true;
    this.#onError(error);
  }

  handleRowDescription(): void {
    // Statements around the COPY may be SELECTs; nobody wants their rows.
  }

  handleDataRow(): void {
    // See handleRowDescription.
  }

  handleCopyData(): void {
    // After a failure the socket is pg's again, with CopyData of the broken COPY still to come.
  }

  handleEmptyQuery(): void {
    this.handleError(new Error('an empty COPY statement'));
  }

  handlePortalSuspended(): void {
    this.handleError(new Error('a COPY was suspended'));
  }
}
