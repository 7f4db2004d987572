/**
 * Lets rows have the same words in common, and the same lists of them: of 10,000 tables, names of schemas, columns and
 * access methods are there 200,000 times, and the catalog is kept for the whole run.
 */
export function shareWords(rows: readonly object[]): void {
  const words = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  const shared = (value: unknown): unknown => {
    if (typeof value === 'string') return firstOf(words, value, value);
    if (typeof value !== 'object' || value === null) return value;
    if (isList(value))
      return firstOf(
        lists,
        JSON.stringify(value),
        value.map((word) => firstOf(words, word, word)),
      );
    for (const [key, member] of Object.entries(value)) Reflect.set(value, key, shared(member));
    return value;
  };
  for (const row of rows) shared(row);
}

function isList(value: object): value is string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

/** What has come under this key before, else this. */
function firstOf<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  const first = known.get(key);
  if (first === undefined) known.set(key, value);
  return first ?? value;
}
