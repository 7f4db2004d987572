import { RefreshError } from '../model/errors.ts';
import type { TextWindow } from './text-window.ts';

/** What a script of pg_dump's consists of, in order. */
export type DumpItem =
  | { readonly kind: 'statement'; readonly text: string }
  /** The text of a line that begins with `--`. */
  | { readonly kind: 'comment'; readonly text: string }
  /** Rows of the COPY statement just before, cut anywhere. */
  | { readonly kind: 'rows'; readonly content: Buffer }
  | { readonly kind: 'rows-end' };

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
    if (byte === backslash) return this.#command(bytes);
    this.#begun = true;
    if (isWordStart(byte)) return this.#word(bytes);
    if (byte === quote) return this.#enter('quoted', 1);
    if (byte === doubleQuote) return this.#enter('named', 1);
    if (byte === dollar) return this.#dollar(bytes);
    if (byte === openParenthesis) this.#parentheses++;
    if (byte === closeParenthesis && this.#parentheses > 0) this.#parentheses--;
    this.#position++;
    if (byte !== semicolon || this.#parentheses > 0 || this.#begins > 0) return undefined;
    const text = bytes.toString('utf8', 0, this.#position - 1).trim();
    this.#forget();
    return text === '' ? undefined : { kind: 'statement', text };
  }

  /** A word, or the letter before a string. */
  #word(bytes: Buffer): undefined {
    let end = this.#position + 1;
    while (end < bytes.length && isWordPart(bytes[end] ?? 0)) end++;
    const isFirst = this.#words.length < 4;
    if (!isFirst && !this.#makesRoutine && bytes[end] !== quote) {
      this.#position = end;
      return undefined;
    }
    const word = bytes.toString('latin1', this.#position, end).toLowerCase();
    if (word === 'e' && bytes[end] === quote) return this.#enter('escaped', 2);
    this.#position = end;
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
    const tag = /^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/.exec(
      bytes.toString('latin1', this.#position, this.#position + lookAhead),
    )?.[0];
    if (!tag) {
      this.#position++;
      return undefined;
    }
    this.#tag = Buffer.from(tag, 'latin1');
    return this.#enter('dollar', tag.length);
  }

  #command(bytes: Buffer): undefined {
    const text = bytes.toString('latin1', this.#position, this.#position + lookAhead);
    const harmless = /^\\(?:un)?restrict [A-Za-z0-9]+\r?(?:\n|$)/.exec(text)?.[0];
    if (!harmless || this.#begun) {
      const command = /^\\\S*/.exec(text)?.[0] ?? '\\';
      throw new RefreshError('bad-file', `it holds ${command.slice(0, 40)}, a command of psql’s`, {
        object: this.#path,
        hint: 'such a command could run programs here or lead to another database: dump without --create, or take it out if you know what it does',
      });
    }
    this.#position += harmless.length;
    this.#forget();
    return undefined;
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
        const end = bytes.indexOf(0x0a, this.#position);
        if (end < 0 && !complete) return this.#allOf(bytes, 0);
        const text = bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
        this.#leave(end < 0 ? bytes.length : end + 1);
        if (this.#begun) return undefined;
        this.#forget();
        return { kind: 'comment', text };
      }
    }
  }

  #escaped(bytes: Buffer): 'more' | undefined {
    for (let at = this.#position; at < bytes.length; at++) {
      if (bytes[at] === quote) return this.#leave(at + 1);
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
    this.#position += length;
  }

  #leave(position: number): undefined {
    this.#state = 'plain';
    this.#position = position;
  }

  /** Nothing ends here; what is kept back may be the beginning of the end. */
  #allOf(bytes: Buffer, keptBack: number): 'more' {
    this.#position = Math.max(this.#position, bytes.length - keptBack);
    return 'more';
  }

  /** What was looked at so far is done with. */
  #forget(): void {
    this.#window.drop(this.#position);
    this.#bytes = this.#window.bytes;
    this.#position = 0;
    this.#parentheses = 0;
    this.#begins = 0;
    this.#words = [];
    this.#makesRoutine = false;
    this.#begun = false;
  }
}

const [quote, doubleQuote, dollar, semicolon, backslash] = [0x27, 0x22, 0x24, 0x3b, 0x5c];
const [openParenthesis, closeParenthesis, dash, slash, star] = [0x28, 0x29, 0x2d, 0x2f, 0x2a];

function isWordStart(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte >= 0x80;
}

function isWordPart(byte: number): boolean {
  return isWordStart(byte) || (byte >= 0x30 && byte <= 0x39) || byte === dollar;
}

/** UTF-8's byte order mark, which some editors put at the beginning. */
function isMark(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}
