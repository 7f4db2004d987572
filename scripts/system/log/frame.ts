import stringWidth from 'string-width';

/** A few lines at the end of a terminal that are written over as a whole. */
export class Frame {
  readonly #stream: NodeJS.WriteStream;
  #shown: readonly string[] = [];

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Shows these lines, none wider than the terminal, in place of those before; `above` stays for good. */
  show(lines: readonly string[], above = ''): void {
    const erased = this.#erase();
    this.#shown = lines;
    // One write, so that no half picture is ever seen.
    this.#stream.write(`${erased}${above}${lines.join('\n')}`);
  }

  /** A terminal that was made narrower has wrapped what was shown; those rows have to go, too. */
  #erase(): string {
    if (this.#shown.length === 0) return '';
    const columns = this.#stream.columns ?? 80;
    const rows = this.#shown.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / columns)),
      0,
    );
    return `\r${rows > 1 ? `\u001b[${rows - 1}A` : ''}\u001b[J`;
  }
}

/** The text's beginning that fits, with an ellipsis where something is missing. Widths are those of a terminal. */
export function fitting(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let fits = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns - 1) break;
    fits += segment;
  }
  return `${fits}…`;
}
