/** A relation's name in its two parts; they never merge into one string except by `qualified`. */
export interface TableRef {
  readonly schema: string;
  readonly name: string;
}

/** An SQL identifier, always quoted (manual, 4.1.1 "Identifiers and Key Words"). */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The name that an identifier stands for, as PostgreSQL's own programs write one: quoted wherever that matters. */
export function unquoted(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}

/** An SQL string constant that reads the same whatever `standard_conforming_strings` is (manual, 4.1.2.2). */
export function literal(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/** A body for DO, in dollar quotes that nothing in it ends (manual, 4.1.2.4). */
export function quoteBody(body: string): string {
  let tag = 'refresh';
  while (body.includes(`$${tag}$`)) tag += '_';
  return `$${tag}$${body}\n$${tag}$`;
}

/** `"schema"."name"`. */
export function qualified(table: TableRef): string {
  return `${ident(table.schema)}.${ident(table.name)}`;
}

/** `schema.name` for people: logs, reports, the keys of the policy. */
export function display(table: TableRef): string {
  return `${table.schema}.${table.name}`;
}
