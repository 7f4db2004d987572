import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalServer } from '../../scripts/local/server.ts';
import type { Field } from './field.ts';

/** The so-many-th line of staging's log of our statements that matches: a moment that no busy machine moves. */
export interface Logged {
  readonly pattern: RegExp;
  readonly nth: number;
}

/** The beginning of any statement's text in the log. */
export const anyStatement = /LOG: {2}(statement|execute)/;

/** What a server logs from now on. It writes each statement down before it carries it out (log_statement). */
export class StatementLog {
  readonly #file: string;
  #position: number;
  #text = '';
  #matches = 0;

  constructor(server: LocalServer) {
    this.#file = join(server.folder, 'server.log');
    this.#position = statSync(this.#file).size;
  }

  /** Looks every millisecond; false where the run was over before. */
  async until({ pattern, nth }: Logged, isOver: () => boolean): Promise<boolean> {
    const file = openSync(this.#file, 'r');
    try {
      for (;;) {
        for (const line of this.#lines(file)) if (pattern.test(line) && ++this.#matches >= nth) return true;
        if (isOver()) return false;
        await sleep(1);
      }
    } finally {
      closeSync(file);
    }
  }

  #lines(file: number): string[] {
    const buffer = Buffer.alloc(1 << 16);
    for (let bytes = -1; bytes !== 0; ) {
      bytes = readSync(file, buffer, 0, buffer.length, this.#position);
      this.#position += bytes;
      this.#text += buffer.toString('latin1', 0, bytes);
    }
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    return lines;
  }
}

/** Has staging log every statement of the engine's role. */
export async function loggingStatements(field: Field): Promise<() => Promise<void>> {
  const set = (what: string) => async () => {
    await field.as('staging', 'postgres', (session) => session.query(`alter role doadmin ${what}`));
  };
  await set(`set log_statement = 'all'`)();
  return set('reset log_statement');
}
