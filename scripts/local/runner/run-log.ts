/** What a workflow's run has said so far: masked as GitHub does it, its commands taken out. */
export class RunLog {
  #text = '';
  readonly #masks = new Set<string>();
  readonly annotations: { readonly level: string; readonly message: string }[] = [];

  constructor(secrets: Readonly<Record<string, string>>) {
    for (const secret of Object.values(secrets)) this.mask(secret);
  }

  get text(): string {
    return this.#text;
  }

  mask(value: string): void {
    if (value !== '') this.#masks.add(value);
  }

  say(line: string): void {
    this.#text += `${this.#masked(line)}\n`;
  }

  /** A line of a step's output. */
  hear(line: string): void {
    const [, name, message = ''] = /^::([a-z-]+)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
    const text = unescapeData(message);
    if (name === 'add-mask') this.mask(text);
    else if (name === 'error' || name === 'warning' || name === 'notice') {
      this.annotations.push({ level: name, message: this.#masked(text) });
      this.say(`##[${name}]${text}`);
    } else this.say(line);
  }

  /** Longest first: one secret may be part of another. */
  #masked(text: string): string {
    const masks = [...this.#masks].toSorted((one, other) => other.length - one.length);
    return masks.reduce((masked, value) => masked.replaceAll(value, '***'), text);
  }
}

function unescapeData(text: string): string {
  return text.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');
}
