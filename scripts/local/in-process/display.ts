/** What a step did, or would do in a preview, with Pulumi's own marks. */
export type Operation = 'same' | 'create' | 'update' | 'replace' | 'delete';

export interface Tally {
  readonly counts: Readonly<Record<Operation, number>>;
}

const marks: Readonly<Record<Operation, string>> = {
  same: ' ',
  create: '+',
  update: '~',
  replace: '+-',
  delete: '-',
};

const words: Readonly<Record<Operation, readonly [did: string, would: string]>> = {
  same: ['unchanged', 'unchanged'],
  create: ['created', 'create'],
  update: ['updated', 'update'],
  replace: ['replaced', 'replace'],
  delete: ['deleted', 'delete'],
};

/** Prints a line for each step and counts them. */
export class Display implements Tally {
  readonly counts: Record<Operation, number> = { same: 0, create: 0, update: 0, replace: 0, delete: 0 };
  readonly #write: (line: string) => void;
  readonly #preview: boolean;

  constructor(write: (line: string) => void, preview: boolean) {
    this.#write = write;
    this.#preview = preview;
  }

  /** `keys`: names of the inputs that changed; their values may be secret and are not shown. */
  step(
    operation: Operation,
    type: string,
    name: string,
    details: { keys?: readonly string[]; seconds?: number } = {},
  ) {
    this.counts[operation] += 1;
    const notes = [
      details.keys && details.keys.length > 0 ? `[${details.keys.join(', ')}]` : '',
      details.seconds !== undefined && details.seconds >= 0.1 ? `(${details.seconds.toFixed(1)} s)` : '',
    ].filter((note) => note !== '');
    const verb = words[operation][this.#preview ? 1 : 0];
    this.#write(` ${marks[operation].padEnd(2)} ${shortType(type)} ${name} ${[verb, ...notes].join(' ')}`);
  }

  line(type: string, name: string, text: string): void {
    this.#write(`      ${shortType(type)} ${name}: ${text}`);
  }

  failed(type: string, name: string, message: string): void {
    this.#write(` x  ${shortType(type)} ${name}: ${message}`);
  }
}

/** `digitalocean:index/databaseDb:DatabaseDb` as Pulumi shows it: `digitalocean:index:DatabaseDb`. */
function shortType(type: string): string {
  const [name = '', module = '', kind = ''] = type.split(':');
  return [name, module.split('/')[0], kind].filter((part) => part !== '').join(':');
}
