import { RefreshError } from '../model/errors.ts';
import type { DumpItem } from './dump-item.ts';
import { commandLength } from './psql-command.ts';
import {
  backslash,
  closeParenthesis,
  dash,
  dollar,
  doubleQuote,
  isMark,
  isWordPart,
  isWordStart,
  lineEnd,
  openParenthesis,
  quote,
  semicolon,
  slash,
  star,
} from './sql-bytes.ts';
import { StatementOutline } from './statement-outline.ts';
import type { TextWindow } from './text-window.ts';

type State = 'plain' | 'quoted' | 'escaped' | 'named' | 'dollar' | 'line-comment' | 'comment';

/** In plain text, so many bytes are looked at together: longer than any word, number or `$tag$` of pg_dump's. */
const lookAhead = 512;

/**
 * Cuts statements out of a script, after psql's own lexer (psqlscan.l): a semicolon ends one unless it stands in quotes,
 * a comment, parentheses, or between BEGIN and END of a function's SQL body.
 */
export class StatementCutter {
  readonly #window: TextWindow;
  readonly #path: string;
  /** What the window holds, as long as nothing is dropped from it. */
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes of it that are looked at already. */
  #position = 0;
  #state: State = 'plain';
  #tag: Buffer = Buffer.alloc(0);
  #commentDepth = 0;
  #parentheses = 0;
  #begins = 0;
  /** The first words of the statement, lower case. */
  #words: string[] = [];
  #makesRoutine = false;
  #begun = false;
  /** An E'…' string is just over: one that continues it is of the same kind, and so is the rest behind a doubled quote. */
  #afterEscaped = false;
  readonly #outline = new StatementOutline();

  constructor(window: TextWindow, path: string) {
    this.#window = window;
    this.#path = path;
  }

  /** Whether no statement is under way. */
  get idle(): boolean {
    return this.#state === 'plain' && !this.#begun;
  }

  /** The next one that is complete; undefined until more text comes. */
  next(): DumpItem | undefined {
    this.#bytes = this.#window.bytes;
    const { complete } = this.#window;
    for (;;) {
      const left = this.#bytes.length - this.#position;
      if (left === 0 || (!complete && left < (this.#state === 'plain' ? lookAhead : 2))) return undefined;
      const found = this.#state === 'plain' ? this.#plain(this.#bytes) : this.#inside(this.#bytes, complete);
      if (found === 'more') return undefined;
      if (found) return found;
    }
  }

  #plain(bytes: Buffer): DumpItem | undefined {
    const at = this.#position;
    const byte = bytes[at] ?? 0;
    const next = bytes[at + 1];
    if (byte <= 0x20 || (byte === 0xef && !this.#begun && isMark(bytes, at))) {
      this.#position += byte === 0xef ? 3 : 1;
      if (!this.#begun) this.#forget();
      return undefined;
    }
    if (byte === dash && next === dash) return this.#enter('line-comment', 2);
    if (byte === slash && next === star) {
      this.#commentDepth = 1;
      return this.#enter('comment', 2);
    }
    if (byte === backslash) {
      const text = bytes.toString('latin1', at, at + lookAhead);
      this.#position += commandLength(text, this.#begun, this.#path);
      return this.#forget();
    }
    this.#begun = true;
    const continued = this.#afterEscaped;
    this.#afterEscaped = false;
    if (isWordStart(byte)) return this.#word(bytes);
    if (byte === quote) return this.#enter(continued ? 'escaped' : 'quoted', 1);
    if (byte === doubleQuote) return this.#enter('named', 1);
    if (byte === dollar) return this.#dollar(bytes);
    if (byte === openParenthesis) this.#parentheses++;
    if (byte === closeParenthesis && this.#parentheses > 0) this.#parentheses--;
    this.#position++;
    if (byte !== semicolon || this.#parentheses > 0 || this.#begins > 0) return undefined;
    const statement = this.#outline.statementOf(bytes.subarray(0, this.#position - 1));
    this.#forget();
    return statement.text === '' ? undefined : { kind: 'statement', ...statement };
  }

  /** A word, or the letter before a string. */
  #word(bytes: Buffer): undefined {
    let end = this.#position + 1;
    while (end < bytes.length && isWordPart(bytes[end] ?? 0)) end++;
    if (end === bytes.length && !this.#window.complete) throw this.#tooLong();
    const isFirst = this.#words.length < 4;
    if (!isFirst && !this.#makesRoutine && bytes[end] !== quote) {
      this.#position = end;
      return undefined;
    }
    const word = bytes.toString('latin1', this.#position, end).toLowerCase();
    this.#position = end;
    if (word === 'e' && bytes[end] === quote) return this.#enter('escaped', 1);
    if (isFirst) {
      this.#words.push(word);
      this.#makesRoutine = /^create (or replace )?(function|procedure)\b/.test(this.#words.join(' '));
    }
    if (this.#parentheses > 0 || !this.#makesRoutine) return undefined;
    if (word === 'begin') this.#begins++;
    else if (word === 'case' && this.#begins > 0) this.#begins++;
    else if (word === 'end' && this.#begins > 0) this.#begins--;
    return undefined;
  }

  #dollar(bytes: Buffer): undefined {
    const text = bytes.toString('latin1', this.#position, this.#position + lookAhead);
    const tag = /^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/.exec(text)?.[0];
    if (!tag && text.length === lookAhead && /^\$[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*$/.test(text)) {
      throw this.#tooLong();
    }
    if (!tag) {
      this.#position++;
      return undefined;
    }
    this.#tag = Buffer.from(tag, 'latin1');
    return this.#enter('dollar', tag.length);
  }

  /** Looks for the end of a string, a name or a comment. */
  #inside(bytes: Buffer, complete: boolean): DumpItem | 'more' | undefined {
    switch (this.#state) {
      case 'quoted':
      case 'named': {
        // A doubled quote is two strings one right after the other, as far as this matters.
        const end = bytes.indexOf(this.#state === 'quoted' ? quote : doubleQuote, this.#position);
        return end < 0 ? this.#allOf(bytes, 0) : this.#leave(end + 1);
      }
      case 'escaped':
        return this.#escaped(bytes);
      case 'dollar': {
        const end = bytes.indexOf(this.#tag, this.#position);
        return end < 0 ? this.#allOf(bytes, this.#tag.length - 1) : this.#leave(end + this.#tag.length);
      }
      case 'comment':
        return this.#comment(bytes);
      default: {
        const end = lineEnd(bytes, this.#position);
        if (end < 0 && !complete) return this.#allOf(bytes, 0);
        const text = bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
        this.#leave(end < 0 ? bytes.length : end);
        if (this.#begun) return undefined;
        this.#forget();
        return { kind: 'comment', text };
      }
    }
  }

  #escaped(bytes: Buffer): 'more' | undefined {
    for (let at = this.#position; at < bytes.length; at++) {
      if (bytes[at] === quote) {
        this.#afterEscaped = true;
        return this.#leave(at + 1);
      }
      if (bytes[at] !== backslash) continue;
      if (at + 1 === bytes.length) {
        this.#position = at;
        return 'more';
      }
      at++;
    }
    return this.#allOf(bytes, 0);
  }

  #comment(bytes: Buffer): 'more' | undefined {
    for (let at = this.#position; at + 1 < bytes.length; at++) {
      const pair = bytes.toString('latin1', at, at + 2);
      if (pair === '/*') this.#commentDepth++;
      else if (pair === '*/') this.#commentDepth--;
      else continue;
      at++;
      if (this.#commentDepth === 0) return this.#leave(at + 1);
      this.#position = at + 1;
    }
    return this.#allOf(bytes, 1);
  }

  #enter(state: State, length: number): undefined {
    this.#state = state;
    this.#outline.begin(this.#position);
    this.#position += length;
  }

  #leave(position: number): undefined {
    const isComment = this.#state === 'comment' || this.#state === 'line-comment';
    // What stands in the many strings of an INSERT nobody looks at.
    if (isComment || this.#words[0] !== 'insert') {
      this.#outline.end(isComment ? 'comment' : this.#state === 'named' ? 'name' : 'string', position);
    }
    this.#state = 'plain';
    this.#position = position;
  }

  /** Nothing ends here; what is kept back may be the beginning of the end. */
  #allOf(bytes: Buffer, keptBack: number): 'more' {
    this.#position = Math.max(this.#position, bytes.length - keptBack);
    return 'more';
  }

  /** What was looked at so far is done with. */
  #forget(): undefined {
    this.#window.drop(this.#position);
    this.#bytes = this.#window.bytes;
    this.#position = 0;
    this.#parentheses = 0;
    this.#begins = 0;
    this.#words = [];
    this.#makesRoutine = false;
    this.#begun = false;
    this.#afterEscaped = false;
    this.#outline.forget();
  }

  /** What is not seen whole may be taken for something else than the server takes it for. */
  #tooLong(): RefreshError {
    return new RefreshError('bad-file', `it holds a word of more than ${lookAhead} bytes`, {
      object: this.#path,
      hint: 'pg_dump writes none: make the dump again',
    });
  }
}
