import type { Session } from '../../postgres/session.ts';
import { nameOf, type StatementCarrier } from './carrier.ts';

/** As pg_dump has it, which qualifies every name. */
export const emptyPath = `set search_path = ''`;

const mostBytes = 64 * 1024;

/** INSERTs that travel together: each by itself would cost a round trip and a transaction. */
export class GatheredInserts {
  /** Of all that was sent. */
  bytes = 0;
  readonly #session: Session;
  readonly #carrier: StatementCarrier;
  readonly #texts: string[] = [];
  #length = 0;
  #searchPath: string | undefined;

  constructor(session: Session, carrier: StatementCarrier) {
    this.#session = session;
    this.#carrier = carrier;
  }

  /** @param searchPath under which they are carried out; undefined: the one that is set. */
  async add(text: string, searchPath: string | undefined): Promise<void> {
    this.#texts.push(text);
    this.#length += text.length;
    this.#searchPath = searchPath;
    if (this.#length >= mostBytes) await this.flush();
  }

  /** Sends what is gathered. @throws RefreshError of the first that fails. */
  async flush(): Promise<void> {
    const [first] = this.#texts;
    if (first === undefined) return;
    const inserts = this.#texts.splice(0);
    this.bytes += this.#length;
    this.#length = 0;
    this.#carrier.requireLexing();
    const path = this.#searchPath;
    const texts = path === undefined ? inserts : [`set search_path = ${path}`, ...inserts, emptyPath];
    await this.#session.run(texts.join(';\n'), nameOf(first), true);
  }
}
