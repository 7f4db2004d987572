import { RefreshError } from '../model/errors.ts';
import type { DumpItem, Statement } from './dump-item.ts';
import { damaged } from './format.ts';
import { StatementCutter } from './statement-cutter.ts';
import { TextWindow } from './text-window.ts';

const newline = 0x0a;
/** A row that is longer comes in pieces. */
const longRowBytes = 256 * 1024;
const newlineAndBackslash = Buffer.from('\n\\.');

/**
 * Takes a script apart as psql would, without psql: statements, rows of COPY, comments. psql's own commands could run
 * programs or lead elsewhere, on a machine that knows both databases' passwords: all are refused but the `\.` that ends
 * rows and the `\restrict` and `\unrestrict` around pg_dump's scripts, which only take commands away.
 *
 * @throws RefreshError `bad-file` for a psql command, and for a script that ends in the middle of something.
 */
export async function* scanDump(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<DumpItem> {
  const window = new TextWindow();
  const cutter = new StatementCutter(window, path);
  let rows: RowCutter | undefined;
  for await (const chunk of withEnd(chunks)) {
    if (chunk) window.append(chunk);
    else window.end();
    for (;;) {
      const item = rows ? rows.next() : cutter.next();
      if (!item) break;
      yield item;
      if (item.kind === 'rows-end') rows = undefined;
      if (item.kind === 'statement' && isCopyIn(item)) rows = new RowCutter(window, path);
    }
  }
  if (rows || !cutter.idle) throw damaged(path, 'it ends in the middle of a statement: it was cut');
}

/** `COPY … FROM stdin`, whose rows follow. */
export function isCopyIn({ outline }: Statement): boolean {
  return /^COPY\s+[^\s()]+(\s*\.\s*[^\s()]+)*\s*(\([^()]*\)\s*)?\bFROM\s+STDIN\b/i.test(outline);
}

async function* withEnd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  yield* chunks;
  yield undefined;
}

/** The lines up to the one that is `\.` alone, which no row can be (manual, COPY, "Text Format"). */
class RowCutter {
  readonly #window: TextWindow;
  readonly #path: string;
  #begun = false;
  #ended = false;
  #lineStart = true;

  constructor(window: TextWindow, path: string) {
    this.#window = window;
    this.#path = path;
  }

  next(): DumpItem | undefined {
    if (this.#ended) return { kind: 'rows-end' };
    if (!this.#begun && !this.#skipLineEnd()) return undefined;
    const content = this.#take();
    if (content && content.length > 0) return { kind: 'rows', content: Buffer.from(content) };
    return this.#ended ? { kind: 'rows-end' } : undefined;
  }

  /** What stands behind the statement on its own line. */
  #skipLineEnd(): boolean {
    const { bytes, complete } = this.#window;
    const end = bytes.indexOf(newline);
    if (end < 0 && !complete) return false;
    if (end < 0 || bytes.subarray(0, end).toString('latin1').trim() !== '') {
      throw new RefreshError('bad-file', 'something stands between a COPY and its rows', {
        object: this.#path,
        hint: 'pg_dump writes nothing there: make the dump again, and leave its text as it is',
      });
    }
    this.#window.drop(end + 1);
    this.#begun = true;
    return true;
  }

  #take(): Buffer | undefined {
    const { bytes, complete } = this.#window;
    if (this.#lineStart && bytes[0] === 0x5c && bytes[1] === 0x2e) {
      if (bytes.length < 4 && !complete) return undefined;
      if (this.#isEnd(bytes, 0)) return this.#finish(0);
    }
    let known = bytes.length;
    for (let from = 0; ; ) {
      const at = bytes.indexOf(newlineAndBackslash, from);
      if (at < 0) break;
      if (bytes.length < at + 5 && !complete) {
        known = at + 1;
        break;
      }
      if (this.#isEnd(bytes, at + 1)) return this.#finish(at + 1);
      from = at + 1;
    }
    if (complete) return undefined;
    // The last line may be the one that ends the rows.
    const lineEnd = bytes.lastIndexOf(newline, known - 1) + 1;
    const length = lineEnd > 0 ? lineEnd : bytes.length > longRowBytes ? bytes.length - 4 : 0;
    if (length === 0) return undefined;
    this.#lineStart = length === lineEnd;
    return this.#window.take(length);
  }

  #isEnd(bytes: Buffer, at: number): boolean {
    const after = bytes[at + 2];
    return after === undefined || after === newline || (after === 0x0d && bytes[at + 3] === newline);
  }

  #finish(rowsEnd: number): Buffer {
    const content = Buffer.from(this.#window.take(rowsEnd));
    const lineEnd = this.#window.bytes.indexOf(newline);
    this.#window.drop(lineEnd < 0 ? this.#window.bytes.length : lineEnd + 1);
    this.#ended = true;
    return content;
  }
}
