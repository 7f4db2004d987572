import { RefreshError } from '../../model/errors.ts';
import { reportedSettings } from '../../postgres/pg-client.ts';
import type { Session } from '../../postgres/session.ts';

/** Settings that change how the server takes a text apart: under others it could see statements that nobody judged. */
const lexing = { standard_conforming_strings: 'on', client_encoding: 'UTF8' };

/** What has functions work on rows, whose values an error may then quote. */
const computing = /^(CREATE\s+(UNIQUE\s+)?INDEX|REFRESH|ALTER\s+TABLE\b.*\sEXCLUDE)\b/is;

/** Carries out somebody else's statements, each alone and never by itself in its transaction. */
export class StatementCarrier {
  readonly #session: Session;
  readonly #path: string;
  readonly #settings: ReadonlyMap<string, string>;

  constructor(session: Session, path: string) {
    this.#session = session;
    this.#path = path;
    this.#settings = reportedSettings(session.client);
  }

  /**
   * Beside a second one a statement runs in a transaction block, where the server refuses DROP DATABASE, ALTER SYSTEM
   * and their like (manual, "Pipelining" and "Multiple Statements in a Simple Query"). Where a semicolon stands in the
   * text, the extended protocol makes sure that it is a single statement.
   */
  async run(text: string, object: string): Promise<void> {
    this.requireLexing();
    const ofRows = computing.test(text);
    if (text.includes(';')) await this.#session.rows(text, [], object, ofRows);
    else await this.#session.run(`${text};\nselect 1`, object, ofRows);
  }

  /** The same for a statement that may be refused: see Session.attempt. */
  async attempt(text: string, object: string): Promise<void> {
    await this.#session.attempting(() => this.run(text, object));
  }

  /** @throws RefreshError `bad-file` where a statement has changed a setting behind our back. */
  requireLexing(): void {
    for (const [name, wanted] of Object.entries(lexing)) {
      const value = this.#settings.get(name) ?? wanted;
      if (value.toLowerCase() === wanted.toLowerCase()) continue;
      throw new RefreshError('bad-file', `a statement has set ${name} to ${value}`, {
        object: this.#path,
        hint: 'make the dump with pg_dump --encoding=UTF8 and leave its text as it is; staging is as it was',
      });
    }
  }
}

/** The first words, up to the first value: a row's are nobody's business, and a subscription's is its password. */
export function nameOf(statement: string): string {
  const [said = ''] = statement.split(/\bVALUES\b|[('$]/i, 1);
  return said.trim().split(/\s+/, 5).join(' ').slice(0, 120);
}
