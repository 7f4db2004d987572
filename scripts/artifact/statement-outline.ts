import type { Statement } from './dump-item.ts';

interface Span {
  readonly from: number;
  readonly to: number;
  readonly kind: 'comment' | 'string' | 'name';
}

const emptied = { comment: ' ', string: "''", name: '""' } as const;

/** Where a statement's comments, strings and quoted names stand, in bytes from the beginning of its text. */
export class StatementOutline {
  #spans: Span[] = [];
  #from = 0;

  begin(from: number): void {
    this.#from = from;
  }

  end(kind: Span['kind'], to: number): void {
    this.#spans.push({ from: this.#from, to, kind });
  }

  forget(): void {
    if (this.#spans.length > 0) this.#spans = [];
  }

  /** A comment is a space, as the server's own lexer has it. */
  statementOf(whole: Buffer): Statement {
    const comments = this.#spans.filter(({ kind }) => kind === 'comment');
    return { text: without(whole, comments), outline: without(whole, this.#spans) };
  }
}

function without(statement: Buffer, spans: readonly Span[]): string {
  const parts: string[] = [];
  let position = 0;
  for (const { from, to, kind } of spans) {
    parts.push(statement.toString('utf8', position, from), emptied[kind]);
    position = to;
  }
  parts.push(statement.toString('utf8', position));
  return parts.join('').trim();
}
