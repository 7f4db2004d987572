/** One object's SQL as pg_dump writes it, by the name in its header. */
export type SchemaEntries = ReadonlyMap<string, string>;

export interface SchemaDifference {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly different: readonly string[];
}

/**
 * Reads a script of pg_dump's or pg_restore's: each object begins with a comment that names it, its type, its schema
 * and its owner. The owner is left out, since staging has its own.
 */
export function readSchemaScript(script: string): SchemaEntries {
  const entries = new Map<string, string>();
  // What stands before the first header are settings, and the random keys of \restrict.
  const [, ...blocks] = script.split(/^--\n-- Name: /m);
  for (const block of blocks) {
    const end = block.indexOf('\n--\n');
    // A managed server's extensions are commented on by their superuser; see stages/schema.ts.
    if (/^EXTENSION .*; Type: COMMENT;/.test(block)) continue;
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
    // Several objects may share a header (overloaded operators, comments): their texts are kept together.
    const known = entries.get(header);
    entries.set(header, known === undefined ? body : [known, body].sort().join('\n'));
  }
  return entries;
}

/** What one schema has and the other lacks, or has otherwise. */
export function compareSchemas(production: SchemaEntries, staging: SchemaEntries): SchemaDifference {
  return {
    missing: [...production.keys()].filter((name) => !staging.has(name)),
    unexpected: [...staging.keys()].filter((name) => !production.has(name)),
    different: [...production].flatMap(([name, text]) => {
      const other = staging.get(name);
      return other === undefined || other === text || areReordered(name, text, other) ? [] : name;
    }),
  };
}

/** Columns of a table that inherits may stand in another order: see reorderedColumns in comparisons.ts. */
function areReordered(name: string, text: string, other: string): boolean {
  return /; Type: TABLE;/.test(name) && /^INHERITS /m.test(text) && inAnyOrder(text) === inAnyOrder(other);
}

function inAnyOrder(definition: string): string {
  return definition
    .split('\n')
    .map((line) => line.replace(/,$/, ''))
    .sort()
    .join('\n');
}
