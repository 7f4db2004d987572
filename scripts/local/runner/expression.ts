/** A value of GitHub's expression language; a context is an object of them. */
export type Value = null | boolean | number | string | { readonly [name: string]: Value | undefined };

/** What an expression may name: `github`, `inputs`, `secrets` and so on. */
export type Contexts = Readonly<Record<string, Value>>;

/** How the job stands, for `success()` and its like. */
export interface Standing {
  readonly failed: boolean;
  readonly cancelled: boolean;
}

/**
 * Evaluates what our workflows use of GitHub's expressions: contexts, literals, `!`, `==`, `!=`, `&&`, `||`, brackets,
 * and the functions of the status. Throws for anything else, so that nothing is silently taken for false.
 */
export function evaluate(expression: string, contexts: Contexts, standing: Standing): Value {
  const parser = new Parser(tokensOf(expression), contexts, standing);
  return parser.whole();
}

/** A text with `${{ … }}` filled in. */
export function interpolate(text: string, contexts: Contexts, standing: Standing): string {
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    textOf(evaluate(expression, contexts, standing)),
  );
}

/** Whether a step or job with this `if` is carried out: without a status function, only while all is well. */
export function isWanted(condition: string | undefined, contexts: Contexts, standing: Standing): boolean {
  const text = (condition ?? 'success()').trim().replace(/^\$\{\{(.*)\}\}$/s, '$1');
  const asksStatus = /\b(always|cancelled|failure|success)\(\)/.test(text);
  const wellEnough = asksStatus || !(standing.failed || standing.cancelled);
  return wellEnough && isTrue(evaluate(text, contexts, standing));
}

function isTrue(value: Value): boolean {
  return value !== null && value !== false && value !== 0 && value !== '' && !Number.isNaN(value);
}

function textOf(value: Value): string {
  return value === null ? '' : typeof value === 'object' ? 'Object' : String(value);
}

const token = /\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w-]*)|(&&|\|\||==|!=|[!().]))/y;

function tokensOf(expression: string): readonly string[] {
  const tokens: string[] = [];
  const text = expression.trim();
  token.lastIndex = 0;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    const match = token.exec(text);
    if (!match) throw new Error(`not understood: ${text.slice(at)} in ${text}`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly string[];
  readonly #contexts: Contexts;
  readonly #standing: Standing;
  #at = 0;

  constructor(tokens: readonly string[], contexts: Contexts, standing: Standing) {
    this.#tokens = tokens;
    this.#contexts = contexts;
    this.#standing = standing;
  }

  whole(): Value {
    const value = this.#or();
    if (this.#at < this.#tokens.length) throw new Error(`surplus: ${this.#tokens.slice(this.#at).join(' ')}`);
    return value;
  }

  #or(): Value {
    let value = this.#and();
    while (this.#take('||')) {
      const other = this.#and();
      value = isTrue(value) ? value : other;
    }
    return value;
  }

  #and(): Value {
    let value = this.#equality();
    while (this.#take('&&')) {
      const other = this.#equality();
      value = isTrue(value) ? other : value;
    }
    return value;
  }

  #equality(): Value {
    let value = this.#unary();
    for (;;) {
      if (this.#take('==')) value = areEqual(value, this.#unary());
      else if (this.#take('!=')) value = !areEqual(value, this.#unary());
      else return value;
    }
  }

  #unary(): Value {
    if (this.#take('!')) return !isTrue(this.#unary());
    if (this.#take('(')) {
      const value = this.#or();
      this.#expect(')');
      return value;
    }
    return this.#primary();
  }

  #primary(): Value {
    const word = this.#next();
    if (word.startsWith("'")) return word.slice(1, -1).replaceAll("''", "'");
    if (/^\d/.test(word)) return Number(word);
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (this.#take('(')) {
      this.#expect(')');
      return this.#status(word);
    }
    let value = this.#contexts[word];
    if (value === undefined) throw new Error(`unknown context: ${word}`);
    while (this.#take('.')) {
      const name = this.#next();
      value = typeof value === 'object' && value !== null ? (value[name] ?? null) : null;
    }
    return value;
  }

  #status(name: string): boolean {
    const { failed, cancelled } = this.#standing;
    switch (name) {
      case 'always':
        return true;
      case 'cancelled':
        return cancelled;
      case 'failure':
        return failed && !cancelled;
      case 'success':
        return !failed && !cancelled;
      default:
        throw new Error(`unknown function: ${name}`);
    }
  }

  #next(): string {
    const word = this.#tokens[this.#at];
    if (word === undefined) throw new Error('the expression ends too early');
    this.#at += 1;
    return word;
  }

  #take(wanted: string): boolean {
    if (this.#tokens[this.#at] !== wanted) return false;
    this.#at += 1;
    return true;
  }

  #expect(wanted: string): void {
    if (!this.#take(wanted)) throw new Error(`${wanted} is missing`);
  }
}

/** Texts without regard to case; what differs in kind as numbers, of which nothing and an empty text are 0. */
function areEqual(one: Value, other: Value): boolean {
  if (typeof one === 'string' && typeof other === 'string') return one.toLowerCase() === other.toLowerCase();
  if (typeof one === typeof other) return one === other;
  return Number(one) === Number(other);
}
