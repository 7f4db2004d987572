import { hash } from 'node:crypto';

/** One object's SQL as pg_dump writes it, by the name in its header. */
export type SchemaEntries = ReadonlyMap<string, string>;

export interface SchemaDifference {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly different: readonly string[];
  /** Operators that name another commutator or negator here: see areRelinked. */
  readonly relinked: readonly string[];
}

/**
 * Reads a script of pg_dump's or pg_restore's: each object begins with a comment that names it, its type, its schema
 * and its owner. The owner is left out, since staging has its own.
 */
export function readSchemaScript(script: string): SchemaEntries {
  const entries = new Map<string, string>();
  for (const [header, body] of objectsOf(script)) {
    // Several objects may share a header (overloaded operators, comments): their texts are kept together.
    const known = entries.get(header);
    entries.set(header, known === undefined ? body : [known, body].sort().join('\n'));
  }
  return entries;
}

/**
 * What a script says, in one number: 10,000 tables' texts are 8 MB, and many times that while they are compared one by
 * one. Scripts with the same number have the same objects, in whatever order, and `compareSchemas` would find nothing.
 *
 * @param script its text in pieces, cut anywhere.
 */
export async function fingerprint(
  script: AsyncIterable<string> | Iterable<string>,
): Promise<{ readonly entries: number; readonly sum: bigint }> {
  let [entries, sum] = [0, 0n];
  for await (const whole of wholeObjects(script)) {
    for (const [header, body] of objectsOf(whole)) {
      entries++;
      sum += BigInt(`0x${hash('sha256', `${header}\n${withoutCasts(body)}`, 'hex')}`);
    }
  }
  return { entries, sum };
}

/** The same text, cut where an object begins. */
async function* wholeObjects(script: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of script) {
    rest += piece;
    const begin = rest.lastIndexOf('\n--\n-- Name: ') + 1;
    if (begin > 0) yield rest.slice(0, begin);
    rest = rest.slice(begin);
  }
  yield rest;
}

/** Name and SQL of each object. */
function* objectsOf(script: string): Generator<readonly [string, string]> {
  const marks = script.matchAll(/^--\n-- Name: /gm);
  // What stands before the first header are settings, and the random keys of \restrict.
  let mark = marks.next().value;
  while (mark) {
    const begin = mark.index + mark[0].length;
    mark = marks.next().value;
    const block = script.slice(begin, mark?.index);
    const end = block.indexOf('\n--\n');
    // A managed server's extensions are commented on by their superuser; see stages/schema.ts. Of public, which is in
    // every database, pg_dump says nothing but whose it is.
    if (/^(EXTENSION .*; Type: COMMENT|public; Type: SCHEMA);/.test(block)) continue;
    const header = block.slice(0, end).replace(/; Owner: .*$/s, '');
    const body = block
      .slice(end + 4)
      .split('\n')
      .filter(
        (line) =>
          !/^(SET default_[a-z_]+ = [^;]*;$|\\(un)?restrict |-- (PostgreSQL database dump complete|Completed on))/.test(
            line,
          ),
      )
      .join('\n')
      .replace(/(\n--\s*)+$/, '')
      .trim();
    yield [header, body];
  }
}

/** What one schema has and the other lacks, or has otherwise. */
export function compareSchemas(production: SchemaEntries, staging: SchemaEntries): SchemaDifference {
  const unlike = [...production].flatMap(([name, text]) => {
    const other = staging.get(name);
    const equal = other === undefined || saysTheSame(text, other) || areReordered(name, text, other);
    return equal ? [] : [[name, text, other] as const];
  });
  return {
    missing: [...production.keys()].filter((name) => !staging.has(name)),
    unexpected: [...staging.keys()].filter((name) => !production.has(name)),
    different: unlike.filter(([name, text, other]) => !areRelinked(name, text, other)).map(([name]) => name),
    relinked: unlike.filter(([name, text, other]) => areRelinked(name, text, other)).map(([name]) => name),
  };
}

/**
 * The server does not always say an expression as it was told it (ruleutils.c): `status IN ('a', 'b')` of a varchar has
 * one cast around its values, and one around each after a restore. So casts, parentheses and spaces don't count. Nor does
 * the name of a NOT NULL constraint that looks like the server's own choice: 18 counts it up where it is taken.
 */
function saysTheSame(text: string, other: string): boolean {
  return text === other || withoutCasts(text) === withoutCasts(other);
}

function withoutCasts(definition: string): string {
  return definition.replaceAll(
    /::(\w+|"([^"]|"")+")(\.(\w+|"([^"]|"")+"))?( varying| precision)?(\([\d,]+\))?( with(out)? time zone)?(\[\])*|\bCONSTRAINT (\w+_not_null\d*|"([^"]|"")+_not_null\d*") (?=NOT NULL)|[\s()]/g,
    '',
  );
}

/** Columns of a table that inherits may stand in another order: see reorderedColumns in comparisons.ts. */
function areReordered(name: string, text: string, other: string): boolean {
  return /; Type: TABLE;/.test(name) && /^INHERITS /m.test(text) && inAnyOrder(text) === inAnyOrder(other);
}

/**
 * CREATE OPERATOR links the operator that it names back to itself, and forgets the link where that one is made later and
 * names none: which of the two was there first is nothing that a dump tells.
 */
function areRelinked(name: string, text: string, other: string): boolean {
  return /; Type: OPERATOR;/.test(name) && withoutLinks(text) === withoutLinks(other);
}

function withoutLinks(definition: string): string {
  return definition
    .split('\n')
    .filter((line) => !/^ {4}(COMMUTATOR|NEGATOR) = /.test(line))
    .join('\n')
    .replaceAll(/,?\n\)/g, '\n)');
}

function inAnyOrder(definition: string): string {
  return definition
    .split('\n')
    .map((line) => withoutCasts(line).replace(/,$/, ''))
    .sort()
    .join('\n');
}
