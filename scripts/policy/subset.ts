import type { Table } from '../model/catalog.ts';
import { ident, qualified } from '../model/table.ts';
import type { Key } from './table-facts.ts';

/** A key along which rows are left out, foreign or virtual. */
export interface SubsetKey extends Key {
  readonly action: 'leave-out' | 'set-null';
  /** For people: `orders_customer_fkey`. */
  readonly label: string;
}

export interface SubsetTable {
  readonly table: Table;
  /** The policy's condition on this table's rows; null for all of them. */
  readonly where: string | null;
}

/** What the policy leaves of one table. Conditions name the table's own columns, unqualified. */
export interface Subset {
  /** Condition on the rows that stay; null for all. */
  readonly where: string | null;
  /** Its parts, one for each reason for which a row is left out. */
  readonly reasons: readonly { readonly label: string; readonly kept: string }[];
  /** Columns that lose a reference, and the condition under which they keep it. */
  readonly setNull: ReadonlyMap<string, string>;
}

/**
 * Which rows stay when some are left out: those that satisfy their table's condition and refer to none that is left out,
 * through any number of tables. Where keys run in a circle (or from a table to itself) the rows that are left out are
 * found by a recursive query; else by a condition in a condition. All of it is read-only SQL for production.
 */
export function planSubset(tables: readonly SubsetTable[], keys: readonly SubsetKey[]): Map<number, Subset> {
  const planner = new SubsetPlanner(tables, keys);
  return new Map(tables.map(({ table }) => [table.oid, planner.subset(table.oid)]));
}

class SubsetPlanner {
  readonly #tables: ReadonlyMap<number, SubsetTable>;
  /** Keys of a table that refer to one which loses rows. */
  readonly #keys: ReadonlyMap<number, readonly SubsetKey[]>;
  /** Tables that a table depends on through keys that leave out, itself where it lies on a circle. */
  readonly #circles: ReadonlyMap<number, ReadonlySet<number>>;
  readonly #kept = new Map<number, string | null>();

  constructor(tables: readonly SubsetTable[], keys: readonly SubsetKey[]) {
    this.#tables = new Map(tables.map((entry) => [entry.table.oid, entry]));
    const restricted = restrictedTables(tables, keys);
    const relevant = keys.filter(
      ({ table, references }) => restricted.has(references) && this.#tables.has(table),
    );
    this.#keys = Map.groupBy(relevant, ({ table }) => table);
    this.#circles = circles(relevant.filter(({ action }) => action === 'leave-out'));
  }

  subset(oid: number): Subset {
    const own = this.#tables.get(oid)?.where ?? null;
    const keys = this.#keys.get(oid) ?? [];
    const leaving = keys.filter(({ action }) => action === 'leave-out');
    const setNull = new Map<string, string>();
    for (const key of together(keys.filter(({ action }) => action === 'set-null'))) {
      for (const column of key[0].columns) {
        const condition = this.#follows(key, 0);
        const known = setNull.get(column);
        setNull.set(column, known === undefined ? condition : `${known} and ${condition}`);
      }
    }
    return {
      where: this.#keeps(oid),
      reasons: [
        ...(own === null ? [] : [{ label: own, kept: own }]),
        ...together(leaving).map((key) => ({ label: key[0].label, kept: this.#follows(key, 0) })),
      ],
      setNull,
    };
  }

  /** Condition on a table's rows that stay; null for all of them. */
  #keeps(oid: number, depth = 0): string | null {
    const cached = this.#kept.get(oid);
    // Names of the nested tables differ by their depth, so that only the outermost text can be used again.
    if (cached !== undefined && depth === 0) return cached;
    const circle = this.#circles.get(oid);
    const kept = circle ? this.#notInCircle(circle, depth) : this.#conditions(oid, depth, () => true);
    if (depth === 0) this.#kept.set(oid, kept);
    return kept;
  }

  #conditions(oid: number, depth: number, follow: (key: SubsetKey) => boolean): string | null {
    const own = this.#tables.get(oid)?.where ?? null;
    const keys = (this.#keys.get(oid) ?? []).filter((key) => key.action === 'leave-out' && follow(key));
    const conditions = [
      ...(own === null ? [] : [`(${own})`]),
      ...together(keys).map((key) => this.#follows(key, depth)),
    ];
    return conditions.length === 0 ? null : conditions.join(' and ');
  }

  /** That a row's reference, where it has one, leads to a row that stays. The columns are those of the level around it. */
  #follows(keys: KeyAndHeirs, depth: number): string {
    const [key] = keys;
    const alias = `kept${depth}`;
    const columns = key.key.map((column, index) => `${ident(column)} as ${alias}_${index}`).join(', ');
    const match = key.columns
      .map((column, index) => `${alias}_${index} ${key.equals[index] ?? '='} ${ident(column)}`)
      .join(' and ');
    const rows = (condition: (kept: string | null) => string) =>
      keys
        .filter(({ references }) => this.#tables.has(references))
        .map(({ references }) => {
          const where = condition(this.#keeps(references, depth + 1));
          return `select ${columns} from ${this.#from(references)}${where}`;
        })
        .join(' union all ');
    const empty = key.nullable.map((column) => `${ident(column)} is null or `).join('');
    const kept = rows((condition) => (condition === null ? '' : ` where ${condition}`));
    if (kept === '') return 'true';
    // A reference that leads nowhere can only be under a key that production has not validated: it stays as it is.
    const found = key.validated
      ? `exists (select from (${kept}) as ${alias} where ${match})`
      : `not exists (select from (${rows((condition) => ` where (${condition ?? 'true'}) is not true`)}) as ${alias} where ${match})`;
    // Without the OR it is a join for the planner, which it may carry out in parallel.
    return empty === '' ? found : `(${empty}${found})`;
  }

  #notInCircle(circle: ReadonlySet<number>, depth: number): string {
    const within = [...circle];
    const inCircle = (key: SubsetKey) => circle.has(key.references);
    const begin = within.map((member) => {
      const kept = this.#conditions(member, depth + 1, (key) => !inCircle(key)) ?? 'true';
      return `select tableoid, ctid from ${this.#from(member)} where (${kept}) is not true`;
    });
    const edges = within.flatMap((member) =>
      (this.#keys.get(member) ?? [])
        .filter((key) => key.action === 'leave-out' && inCircle(key))
        .map((key) => {
          const match = key.columns
            .map(
              (column, index) =>
                `p.${ident(key.key[index] ?? '')} ${key.equals[index] ?? '='} c.${ident(column)}`,
            )
            .join(' and ');
          return `select c.tableoid, c.ctid, p.tableoid, p.ctid from ${this.#from(member)} as c join ${this.#from(key.references)} as p on ${match}`;
        }),
    );
    const query =
      `with recursive edges (child, child_row, parent, parent_row) as materialized (${edges.join(' union all ')}), ` +
      `gone (relation, tuple) as (select * from (${begin.join(' union all ')}) as begun union ` +
      'select child, child_row from gone join edges on parent = relation and parent_row = tuple) ';
    return `(tableoid, ctid) not in (${query}select relation, tuple from gone)`;
  }

  #from(oid: number): string {
    const table = this.#tables.get(oid)?.table;
    if (!table) throw new Error(`no table ${oid} in the subset`);
    return `${table.kind === 'p' ? '' : 'only '}${qualified(table)}`;
  }
}

/** A key, and the same to each table that inherits from the one that it refers to: see inheritKeys. */
type KeyAndHeirs = readonly [SubsetKey, ...SubsetKey[]];

/** Of thousands of heirs, a condition for each would have their table read as often. */
function together(keys: readonly SubsetKey[]): KeyAndHeirs[] {
  const groups = Map.groupBy(keys, ({ label, columns, key, equals, validated, references }) =>
    JSON.stringify([label, columns, key, equals, validated ? references : null]),
  );
  return [...groups.values()] as unknown as KeyAndHeirs[];
}

/** Tables that lose rows: by their own condition, or because they refer to one that does. */
function restrictedTables(tables: readonly SubsetTable[], keys: readonly SubsetKey[]): Set<number> {
  const restricted = new Set(tables.filter(({ where }) => where !== null).map(({ table }) => table.oid));
  const leaving = keys.filter(({ action }) => action === 'leave-out');
  for (let size = -1; size !== restricted.size; ) {
    size = restricted.size;
    for (const { table, references } of leaving) if (restricted.has(references)) restricted.add(table);
  }
  return restricted;
}

/** For each table on a circle of keys, all tables of that circle. */
function circles(keys: readonly SubsetKey[]): Map<number, Set<number>> {
  const parents = Map.groupBy(keys, ({ table }) => table);
  const reach = new Map<number, Set<number>>();
  for (const start of parents.keys()) {
    const seen = new Set<number>();
    const waiting = [start];
    for (let oid = waiting.pop(); oid !== undefined; oid = waiting.pop()) {
      for (const { references } of parents.get(oid) ?? []) {
        if (seen.has(references)) continue;
        seen.add(references);
        waiting.push(references);
      }
    }
    reach.set(start, seen);
  }
  const result = new Map<number, Set<number>>();
  for (const [oid, seen] of reach) {
    if (!seen.has(oid)) continue;
    result.set(oid, new Set([...seen].filter((other) => reach.get(other)?.has(oid))));
  }
  return result;
}
