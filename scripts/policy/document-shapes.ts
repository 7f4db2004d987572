import type { Table } from '../model/catalog.ts';
import { ident, qualified } from '../model/table.ts';
import type { Session } from '../postgres/session.ts';
import type { Column } from './column.ts';
import { type Finding, findPersonalData } from './findings.ts';
import { likelyShape, type Shapes, type Shares, shareColumns } from './shapes.ts';

/** A larger document would take longer than it says more. */
const largestBytes = 100_000;
const deepestPath = 6;

/** Beyond them keys are values rather than names: one for each user, say. */
const mostPaths = 12;

/**
 * Paths in json and jsonb columns whose texts look like personal data, by what the keys are called and by some rows of
 * each table. The server compares the values, and answers with shares; keys that are no plain names are not told.
 */
export async function sampleDocuments(
  session: Session,
  tables: readonly Table[],
  columnsOf: (table: Table) => Iterable<Column>,
  rows: number,
): Promise<Shapes> {
  const found = new Map<number, Map<string, Finding>>();
  for (const table of tables) {
    const ofTable = new Map<string, Finding>();
    for (const column of columnsOf(table)) {
      if (column.category !== 'json' || column.array) continue;
      const finding = toFinding(table, column, await session.rows<Path>(pathQuery(table, column, rows)));
      if (finding) ofTable.set(column.name, finding);
    }
    if (ofTable.size > 0) found.set(table.oid, ofTable);
  }
  return found;
}

interface Path extends Shares {
  /** As the mask `json` writes it. */
  readonly path: string;
}

/** Those that stand in the most documents first. json takes a NUL that jsonb has no place for. */
function pathQuery(table: Table, column: Column, rows: number): string {
  const value = ident(column.name);
  return `
    with recursive walk (path, depth, value) as (
      select '', 0, document.value
        from (select ${value}::text as said from ${qualified(table)}
               where ${value} is not null and pg_column_size(${value}) < ${largestBytes} limit ${rows}) as sample
       cross join lateral (select said::jsonb as value where position('\\u0000' in said) = 0) as document
      union all
      select walk.path || part.step, walk.depth + 1, part.value
        from walk
       cross join lateral (
         select case when walk.path = '' then '' else '.' end || entry.key as step, entry.value
           from jsonb_each(case when jsonb_typeof(walk.value) = 'object' then walk.value else '{}' end) as entry
          where entry.key ~ '^[A-Za-z_][A-Za-z0-9_ -]*$'
          union all
         select '[]', entry.value
           from jsonb_array_elements(case when jsonb_typeof(walk.value) = 'array' then walk.value else '[]' end) as entry
          where walk.path not like '%[]'
       ) as part
       where walk.depth < ${deepestPath}
    )
    select path, count(*)::int as values, ${shareColumns('text')}
      from (select path, value #>> '{}' as text from walk where jsonb_typeof(value) = 'string') as texts
     where text <> ''
     group by path order by count(*) desc, path limit 500`;
}

function toFinding(table: Table, column: Column, paths: readonly Path[]): Finding | undefined {
  const personal = paths.flatMap((path) => {
    const finding = byKey(table, column, path.path) ?? likelyShape(path);
    return finding ? { path: path.path, ...finding } : [];
  });
  if (personal.length === 0) return undefined;
  // The mask `json` begins at a key: a list by itself becomes an empty one.
  const whole = personal.some(({ path }) => path.startsWith('[]'));
  const masks = personal.slice(0, mostPaths).map(({ path, mask }) => `${JSON.stringify(path)}: ${mask}`);
  const kinds = [...new Set(personal.map(({ looksLike }) => looksLike))].join(', ');
  const more = personal.length - masks.length;
  return {
    column: column.name,
    looksLike: `${kinds} in it, by a sample${more > 0 && !whole ? `; at ${more} more paths, too: look at it` : ''}`,
    mask: whole ? '{ fixed: "[]" }' : `{ json: { ${masks.join(', ')} } }`,
  };
}

/** By the last key of a path; a plain `name` is a person's where the key before it says so. */
function byKey(table: Table, column: Column, path: string): Omit<Finding, 'column'> | undefined {
  const [name = '', around = table.name] = path.replaceAll('[]', '').split('.').reverse();
  const text: Column = { ...column, name, category: 'text', refers: false };
  return findPersonalData({ name: around }, [text])[0];
}
