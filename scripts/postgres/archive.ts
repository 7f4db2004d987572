/** One line of `pg_restore --list`: an object in a custom-format archive. 10,000 tables have 60,000, kept for the whole run. */
export class ArchiveEntry {
  readonly dumpId: number;
  /** Oid of the system catalog that the object is in, and its oid there; 0 where there is none. */
  readonly catalogOid: number;
  readonly objectOid: number;
  /** The description: TABLE, INDEX, FK CONSTRAINT, COMMENT, ACL … as pg_dump writes it. */
  readonly type: string;
  readonly line: string;

  constructor(dumpId: number, catalogOid: number, objectOid: number, type: string, line: string) {
    this.dumpId = dumpId;
    this.catalogOid = catalogOid;
    this.objectOid = objectOid;
    this.type = type;
    this.line = line;
  }

  /** Everything after the type: schema, name, owner. Names with spaces can't be told apart, so it stays one text. */
  get rest(): string {
    return this.line.replace(/^\d+; \d+ \d+ /, '').slice(this.type.length + 1);
  }
}

/** Types whose names have more than one word, longest first, so that no other is a prefix of what follows. */
const wordyTypes = [
  'MATERIALIZED VIEW DATA',
  'OPERATOR FAMILY',
  'OPERATOR CLASS',
  'ACCESS METHOD',
  'CHECK CONSTRAINT',
  'DATABASE PROPERTIES',
  'DEFAULT ACL',
  'EVENT TRIGGER',
  'FK CONSTRAINT',
  'FOREIGN DATA WRAPPER',
  'FOREIGN SERVER',
  'FOREIGN TABLE',
  'INDEX ATTACH',
  'TABLE ATTACH',
  'LARGE OBJECT',
  'LARGE OBJECTS',
  'BLOB METADATA',
  'MATERIALIZED VIEW',
  'PROCEDURAL LANGUAGE',
  'PUBLICATION TABLES IN SCHEMA',
  'PUBLICATION TABLE',
  'ROW SECURITY',
  'SECURITY LABEL',
  'SEQUENCE OWNED BY',
  'SEQUENCE SET',
  'SHELL TYPE',
  'STATISTICS DATA',
  'SUBSCRIPTION TABLE',
  'TABLE DATA',
  'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY',
  'TEXT SEARCH PARSER',
  'TEXT SEARCH TEMPLATE',
  'USER MAPPING',
].sort((a, b) => b.length - a.length);

/** Reads `pg_restore --list`. Lines that begin with a semicolon are comments (manual, pg_restore, `-l`). */
export function parseArchiveList(list: string): ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  const types = new Map(wordyTypes.map((type) => [type, type]));
  for (const line of list.split('\n')) {
    const match = /^(\d+); (\d+) (\d+) (.*)$/.exec(line);
    if (!match) continue;
    const text = match[4] ?? '';
    const found = wordyTypes.find((name) => text.startsWith(`${name} `)) ?? text.split(' ', 1)[0] ?? '';
    const type = types.get(found) ?? found;
    types.set(type, type);
    entries.push(new ArchiveEntry(Number(match[1]), Number(match[2]), Number(match[3]), type, line));
  }
  return entries;
}

/** A list for `pg_restore --use-list`. */
export function formatArchiveList(entries: readonly ArchiveEntry[]): string {
  return `${entries.map((entry) => entry.line).join('\n')}\n`;
}

/**
 * The list without some objects, and without their comments, privileges and labels: those name no oid of their own, but
 * the object's type and tag.
 *
 * @param objects as `oid of the system catalog/oid`.
 */
export function withoutObjects(
  entries: readonly ArchiveEntry[],
  objects: ReadonlySet<string>,
): readonly ArchiveEntry[] {
  if (objects.size === 0) return entries;
  const gone = entries.filter(({ catalogOid, objectOid }) => objects.has(`${catalogOid}/${objectOid}`));
  const left = entries.filter((entry) => !gone.includes(entry));
  const prefixes = gone.flatMap(({ type, rest }) => {
    const [schema = '', ...words] = rest.split(' ');
    const tag = words.slice(0, -1);
    const kind = type.replace(/^(FK|CHECK) /, '');
    const routine = /^[^(]*\(/.exec(tag.join(' '))?.[0];
    // A comment on a routine names its arguments, its own entry only their types.
    const overloaded = left.some(
      (other) => other.type === type && other.rest.startsWith(`${schema} ${routine}`),
    );
    return [
      `${schema} ${kind} ${tag.join(' ')} `,
      `${schema} ${kind} ${tag.slice(1).join(' ')} ON ${tag[0]} `,
      ...(routine && !overloaded ? [`${schema} ${kind} ${routine}`] : []),
    ];
  });
  return left.filter(
    ({ type, rest }) => !(describing.has(type) && prefixes.some((prefix) => rest.startsWith(prefix))),
  );
}

const describing = new Set(['COMMENT', 'ACL', 'SECURITY LABEL']);
