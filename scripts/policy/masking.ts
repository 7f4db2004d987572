import type { Table } from '../model/catalog.ts';
import type { MaskedColumn } from '../model/plan.ts';
import type { MaskRule, TableRule } from '../model/policy.ts';
import { didYouMean } from '../model/spelling.ts';
import { display } from '../model/table.ts';
import type { Column } from './column.ts';
import { maskExpression, maskOf, refusal } from './masks.ts';
import { matches } from './patterns.ts';
import type { ColumnSet, Key, TableFacts } from './table-facts.ts';

/** A column's mask. One that follows a key is made as for the column that it refers to, so that both stay equal. */
export interface ColumnMask {
  readonly rule: MaskRule;
  readonly as: Column;
}

/** Masks by table, then by column. */
export type Masking = ReadonlyMap<number, ReadonlyMap<string, ColumnMask>>;

export interface Subject {
  readonly table: Table;
  readonly rule: TableRule | undefined;
}

/** A foreign key, or one that only the application knows. */
type Reference = Pick<Key, 'table' | 'columns' | 'references' | 'key'>;

/** More likely than this, and two of a unique column's values would be masked alike: then the mask is refused. */
const mostLikelyCollision = 1e-4;

/** Decides on each column's mask and says what speaks against it. Pure: nothing is asked of a server. */
export function planMasking(
  subjects: readonly Subject[],
  facts: TableFacts,
): { readonly masking: Masking; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const masking = new Map<number, Map<string, ColumnMask>>();
  for (const { table, rule } of subjects) {
    const columns = facts.columns.get(table.oid) ?? new Map<string, Column>();
    const ofTable = new Map<string, ColumnMask>();
    masking.set(table.oid, ofTable);
    for (const [name, mask] of rule?.masks ?? []) {
      const column = columns.get(name);
      if (column) ofTable.set(name, { rule: mask, as: column });
    }
  }
  problems.push(...unknownColumns(subjects, facts));
  const keys = [...facts.keys, ...virtualKeys(subjects)];
  inheritMasks(masking, facts);
  // What inherits has none of its parent's keys, and a mask that came to the parent by one is for its rows, too.
  do problems.push(...followKeys(masking, subjects, keys));
  while (problems.length === 0 && inheritMasks(masking, facts));
  for (const { table, rule } of subjects) {
    const at = rule ? `${rule.at}: ` : '';
    for (const [name, { rule: mask, as }] of masking.get(table.oid) ?? []) {
      const column = facts.columns.get(table.oid)?.get(name);
      if (!column) continue;
      const why = refusal(mask, column) ?? collision(mask, { ...column, length: as.length }, facts.unique);
      if (why) problems.push(`${at}${display(table)}.${name} can’t be masked by ${mask.mask}: ${why}`);
    }
  }
  return { masking, problems: [...new Set(problems)] };
}

/** The expressions that production evaluates for one table, by column. */
export function maskExpressions(
  masks: ReadonlyMap<string, ColumnMask>,
  columns: ReadonlyMap<string, Column>,
): Map<string, string> {
  return new Map(
    [...masks].flatMap(([name, { rule, as }]) => {
      const column = columns.get(name);
      return column && rule.mask !== 'keep' ? [[name, maskExpression(rule, column, as)] as const] : [];
    }),
  );
}

/** What verify proves of one table's masks. */
export function maskedColumns(masks: ReadonlyMap<string, ColumnMask>): MaskedColumn[] {
  return [...masks].flatMap(([column, { rule, as }]) => {
    if (rule.mask === 'keep') return [];
    const mask = maskOf(rule);
    return [
      {
        column,
        mask: rule.mask,
        array: as.array && rule.mask !== 'fixed' && rule.mask !== 'sql',
        equality: mask.equality,
        shape: as.array ? null : (mask.shape?.(rule.options, as) ?? null),
        when: rule.when,
      },
    ];
  });
}

/** Whether any of them needs the key. */
export function needsKey(masking: Masking): boolean {
  return [...masking.values()].some((masks) => [...masks.values()].some(({ rule }) => maskOf(rule).keyed));
}

/** A rule may be for many tables: what it names has to be in one of them. */
function unknownColumns(subjects: readonly Subject[], facts: TableFacts): string[] {
  return [...Map.groupBy(subjects, ({ rule }) => rule)].flatMap(([rule, members]) => {
    if (!rule) return [];
    const columns = [
      ...new Set(members.flatMap(({ table }) => [...(facts.columns.get(table.oid)?.keys() ?? [])])),
    ];
    const tell = (name: string) => {
      return `${rule.at}: ${rule.pattern} has no column ${name}${didYouMean(name, columns)}`;
    };
    return [
      ...[...rule.masks.keys()].filter((name) => !columns.includes(name)).map(tell),
      ...rule.keep.filter((pattern) => !columns.some((name) => matches(pattern, name))).map(tell),
    ];
  });
}

/**
 * A table's rows are also its parents': what hides a column there hides it here, unless the table's own rule says how.
 *
 * @returns whether there was anything to do.
 */
function inheritMasks(
  masking: Map<number, Map<string, ColumnMask>>,
  { heirs, columns }: TableFacts,
): boolean {
  let changed = false;
  for (let again = true; again; ) {
    again = false;
    for (const { table, parent } of heirs) {
      const own = masking.get(table);
      for (const [name, { rule, as }] of masking.get(parent) ?? []) {
        const column = columns.get(table)?.get(name);
        if (!own || own.has(name) || !column) continue;
        own.set(name, { rule, as: as === columns.get(parent)?.get(name) ? column : as });
        again = changed = true;
      }
    }
  }
  return changed;
}

function virtualKeys(subjects: readonly Subject[]): Reference[] {
  const oids = new Map(subjects.map(({ table }) => [display(table), table.oid]));
  return subjects.flatMap(({ table, rule }) =>
    (rule?.references ?? []).flatMap(({ columns, to, key }) => {
      const references = oids.get(to);
      return references === undefined ? [] : { table: table.oid, columns, references, key };
    }),
  );
}

/** A referenced column's mask goes to the columns that refer to it, through chains of keys. */
function followKeys(
  masking: Map<number, Map<string, ColumnMask>>,
  subjects: readonly Subject[],
  keys: readonly Reference[],
): string[] {
  const problems: string[] = [];
  const names = new Map(subjects.map(({ table }) => [table.oid, display(table)]));
  const copied = keys.filter((key) => masking.has(key.table) && masking.has(key.references));
  for (let changed = true; changed; ) {
    changed = false;
    for (const { table, columns, references, key } of copied) {
      for (const [index, column] of columns.entries()) {
        const referenced = masking.get(references)?.get(key[index] ?? '');
        if (!referenced || referenced.rule.mask === 'keep') continue;
        const own = masking.get(table)?.get(column);
        if (own && (own.as === referenced.as || sameMask(own.rule, referenced.rule))) {
          if (own.as === referenced.as) continue;
          masking.get(table)?.set(column, referenced);
          changed = true;
        } else if (own) {
          problems.push(
            `${names.get(table)}.${column} refers to ${names.get(references)}.${key[index]}: both need the same mask`,
          );
        } else {
          masking.get(table)?.set(column, referenced);
          changed = true;
        }
      }
    }
    if (problems.length > 0) break;
  }
  for (const key of copied) problems.push(...unfollowable(key, masking, names));
  return problems;
}

function unfollowable(key: Reference, masking: Masking, names: ReadonlyMap<number, string>): string[] {
  return key.columns.flatMap((column, index) => {
    const own = masking.get(key.table)?.get(column)?.rule;
    const referenced = masking.get(key.references)?.get(key.key[index] ?? '')?.rule;
    const here = `${names.get(key.table)}.${column}`;
    const there = `${names.get(key.references)}.${key.key[index]}`;
    if (own && own.mask !== 'keep' && own.mask !== 'null' && (!referenced || referenced.mask === 'keep'))
      return [`${here} refers to ${there}: mask that one, and this one follows`];
    if (!referenced || referenced.mask === 'keep') return [];
    if (referenced.when !== null || !maskOf(referenced).deterministic)
      return [
        `${there} is referred to by ${here}: its mask has to give the same value in both, without when`,
      ];
    return [];
  });
}

function sameMask(a: MaskRule, b: MaskRule): boolean {
  return a.mask === b.mask && a.when === b.when && JSON.stringify(a.options) === JSON.stringify(b.options);
}

/** Two values of a unique column masked alike would break its index, an hour later. */
export function collision(rule: MaskRule, column: Column, unique: readonly ColumnSet[]): string | undefined {
  const index = unique.find((set) => set.table === column.table && set.columns.includes(column.name));
  if (!index) return undefined;
  const bits = maskOf(rule).bits(rule.options, column);
  const likely = column.rows ** 2 / 2 / 2 ** bits;
  if (bits >= 30 && likely <= mostLikelyCollision) return undefined;
  return `${index.name} has to stay unique; hash, email and uuid give enough different values`;
}
