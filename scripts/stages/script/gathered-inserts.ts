import type { Session } from '../../postgres/session.ts';
import { nameOf, type StatementCarrier } from './carrier.ts';

const mostBytes = 64 * 1024;

/** INSERTs that travel together: each by itself would cost a round trip and a transaction. */
export class GatheredInserts {
  /** Of all that was sent. */
  bytes = 0;
  readonly #session: Session;
  readonly #carrier: StatementCarrier;
  readonly #texts: string[] = [];
  #length = 0;

  constructor(session: Session, carrier: StatementCarrier) {
    this.#session = session;
    this.#carrier = carrier;
  }

  async add(text: string): Promise<void> {
    this.#texts.push(text);
    this.#length += text.length;
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
    await this.#session.run(inserts.join(';\n'), nameOf(first));
  }
}
