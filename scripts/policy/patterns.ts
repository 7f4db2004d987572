import type { Table } from '../model/catalog.ts';
import type { TableRule } from '../model/policy.ts';
import { didYouMean } from '../model/spelling.ts';
import { display } from '../model/table.ts';
import type { Heir } from './table-facts.ts';

/** The one rule of each table that has one, by oid, and what is wrong with the patterns. */
export interface Assignment {
  readonly rules: ReadonlyMap<number, TableRule>;
  readonly problems: readonly string[];
}

/**
 * Gives each table the rule whose pattern is the most specific: the name itself before a pattern, more letters before
 * fewer. A partition that no pattern names has the rule of the table that it is part of, and so has what inherits.
 */
export function assignRules(
  rules: readonly TableRule[],
  tables: readonly Table[],
  heirs: readonly Heir[],
): Assignment {
  const problems: string[] = [];
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const used = new Set<TableRule>();
  const assigned = new Map<number, TableRule>();
  const candidates = tables.filter(({ kind }) => kind === 'r' || kind === 'p' || kind === 'f');
  for (const table of candidates) {
    const names = lineage(table, byOid).map(display);
    const matching = rules
      .flatMap((rule) => {
        const generation = names.findIndex((name) => matches(rule.pattern, name));
        return generation < 0 ? [] : [{ rule, generation, rank: specificity(rule.pattern) }];
      })
      .sort((a, b) => b.rank - a.rank || a.generation - b.generation);
    const [best, second] = matching;
    for (const { rule, generation } of matching) if (generation === 0) used.add(rule);
    if (!best) continue;
    if (second && second.rank === best.rank && second.generation === best.generation) {
      problems.push(
        `${second.rule.at}: ${second.rule.pattern} and ${best.rule.pattern} are equally specific for ${display(table)}`,
      );
    }
    assigned.set(table.oid, best.rule);
  }
  problems.push(...followParents(assigned, byOid, heirs));
  const names = candidates.map(display);
  for (const rule of rules) {
    if (used.has(rule)) continue;
    problems.push(`${rule.at}: ${rule.pattern} matches no table${didYouMean(rule.pattern, names)}`);
  }
  return { rules: assigned, problems };
}

/** Whether a pattern names this; `*` stands for any characters. */
export function matches(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  if (!pattern.includes('*')) return false;
  const expression = pattern
    .split('*')
    .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${expression}$`, 's').test(name);
}

/**
 * A table that inherits is not its parent's part: a pattern that names it comes first, whatever names the parent. Not
 * `exclude`: with it all that hangs on the table would go.
 *
 * @returns where it is not clear what becomes of rows.
 */
function followParents(
  assigned: Map<number, TableRule>,
  tables: ReadonlyMap<number, Table>,
  heirs: readonly Heir[],
): string[] {
  const inheriting = heirs.filter(({ table }) => tables.get(table)?.partitionOf === null);
  const followed = new Set<number>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const { table, parent } of inheriting) {
      const rule = assigned.get(parent);
      if (!rule || rule.treatment === 'exclude' || assigned.has(table)) continue;
      assigned.set(table, rule);
      followed.add(table);
      changed = true;
    }
  }
  return inheriting.flatMap(({ table, parent }) => {
    const [own, rule] = [assigned.get(table), assigned.get(parent)];
    const [below, above] = [tables.get(table), tables.get(parent)];
    if (!own || !rule || !below || !above || own === rule || rule.treatment === 'exclude') return [];
    const unclear = followed.has(table)
      ? rule.treatment !== own.treatment || rule.where !== own.where
      : rule.treatment !== 'copy' &&
        own.treatment === 'copy' &&
        specificity(own.pattern) < specificity(rule.pattern);
    if (!unclear) return [];
    return `${rule.at}: ${display(below)} inherits from ${display(above)}, whose rows are ${rule.pattern}’s, and would have them treated by ${own.pattern}: say what becomes of ${display(below)} under its own name`;
  });
}

function specificity(pattern: string): number {
  return pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.POSITIVE_INFINITY;
}

/** The table, then what it is a partition of, up to the root. */
function lineage(table: Table, byOid: ReadonlyMap<number, Table>): Table[] {
  const line = [table];
  for (let parent = table.partitionOf; parent !== null; ) {
    const next = byOid.get(parent);
    if (!next || line.includes(next)) break;
    line.push(next);
    parent = next.partitionOf;
  }
  return line;
}
