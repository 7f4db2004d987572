/** Text of one style in a line of a terminal. */
export interface Span {
  readonly text: string;
  readonly bold: boolean;
  /** SGR colour number, 30 to 37; null for the terminal's own. */
  readonly colour: number | null;
}

interface Cell {
  readonly character: string;
  readonly bold: boolean;
  readonly colour: number | null;
}

/** As much of a terminal as `refresh` uses: lines, carriage returns, cursor up, erasing, bold and colours. */
export class Screen {
  readonly #rows: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #bold = false;
  #colour: number | null = null;

  write(output: string): void {
    for (const [token] of output.replaceAll('\u001b', '␛').matchAll(/␛\[[?\d;]*[A-Za-z]|[\s\S]/gu)) {
      if (token.length > 1 && token.startsWith('␛')) this.#escape(token);
      else if (token === '\n') this.#goTo(this.#row + 1);
      else if (token === '\r') this.#column = 0;
      else this.#put(token);
    }
  }

  /** The lines as they stand now, without empty ones at the end. */
  lines(): Span[][] {
    const lines = this.#rows.map(spansOf);
    while (lines.at(-1)?.length === 0) lines.pop();
    return lines;
  }

  #escape(token: string): void {
    const number = token.slice(2, -1);
    switch (token.at(-1)) {
      case 'A':
        this.#goTo(Math.max(0, this.#row - Number(number || 1)));
        break;
      case 'G':
        this.#column = Number(number || 1) - 1;
        break;
      case 'K':
        this.#rows[this.#row]?.splice(this.#column);
        break;
      case 'J':
        this.#rows.splice(this.#row + 1);
        this.#rows[this.#row]?.splice(this.#column);
        break;
      case 'm':
        for (const code of number.split(';').map(Number)) this.#style(code);
        break;
      default:
        break;
    }
  }

  #style(code: number): void {
    if (code === 0) [this.#bold, this.#colour] = [false, null];
    else if (code === 1 || code === 22) this.#bold = code === 1;
    else if (code >= 30 && code <= 37) this.#colour = code;
    else if (code === 39) this.#colour = null;
  }

  #goTo(row: number): void {
    this.#row = row;
    while (this.#rows.length <= row) this.#rows.push([]);
  }

  #put(character: string): void {
    const line = this.#rows[this.#row] ?? [];
    while (line.length < this.#column) line.push({ character: ' ', bold: false, colour: null });
    line[this.#column++] = { character, bold: this.#bold, colour: this.#colour };
  }
}

function spansOf(cells: readonly Cell[]): Span[] {
  const spans: Span[] = [];
  for (const { character, bold, colour } of cells) {
    const last = spans.at(-1);
    if (last && last.bold === bold && last.colour === colour) {
      spans.splice(-1, 1, { ...last, text: last.text + character });
    } else spans.push({ text: character, bold, colour });
  }
  return spans;
}
