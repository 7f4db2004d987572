import type { Catalog } from '../model/catalog.ts';
import type { Policy, TableRule } from '../model/policy.ts';
import { type ClearCopies, findClearCopies } from './clear-copies.ts';
import type { Column } from './column.ts';
import { type Undecided, undecidedColumns } from './decisions.ts';
import { fittingMask } from './fitting-mask.ts';
import { inheritConditions } from './heirs.ts';
import { type Masking, planMasking, type Subject } from './masking.ts';
import { assignRules } from './patterns.ts';
import type { TableFacts } from './table-facts.ts';

/** What a policy says of a database's tables, and what is to be said against it, as far as no row is looked at. */
export interface Review {
  readonly rules: ReadonlyMap<number, TableRule>;
  readonly subjects: readonly Subject[];
  readonly masking: Masking;
  /** Each with its place in the file. */
  readonly problems: readonly string[];
  readonly undecided: readonly Undecided[];
  readonly clearCopies: ClearCopies;
}

/** Reviews a policy: patterns, contradictions, masks that don't fit, columns that nobody has decided on. */
export function reviewPolicy(policy: Policy, catalog: Catalog, facts: TableFacts): Review {
  const { rules, problems } = assignRules(policy.tables, catalog.tables, facts.heirs);
  const subjects = catalog.tables
    .filter(({ kind }) => kind === 'r' || kind === 'p')
    .map((table) => ({ table, rule: rules.get(table.oid) }));
  const made = subjects.filter(({ rule }) => rule?.treatment !== 'exclude');
  const { masking, problems: maskProblems } = planMasking(made, facts);
  const clearCopies = findClearCopies(made, masking, facts);
  const largeObjects = undecidedLargeObjects(policy, catalog);
  const strict = policy.unlisted === 'fail';
  return {
    rules,
    subjects: inheritConditions(made, facts.heirs),
    masking,
    problems: [...problems, ...contradictions(policy), ...maskProblems, ...(strict ? largeObjects : [])],
    undecided: made.flatMap((subject) => undecidedOf(policy, subject, rules, facts, masking)),
    clearCopies: strict
      ? clearCopies
      : { ...clearCopies, warnings: [...clearCopies.warnings, ...largeObjects] },
  };
}

/** They may be the files of a table that is left out: nothing but the application knows. */
function undecidedLargeObjects({ file, largeObjects }: Policy, catalog: Catalog): string[] {
  if (largeObjects !== null || catalog.largeObjects.length === 0) return [];
  return [
    `${file}: ${catalog.largeObjects.length} large objects are copied as they are, and nothing is said of them: large-objects: exclude, or copy`,
  ];
}

/** Keys of a rule that don't go together. */
function contradictions(policy: Policy): string[] {
  return policy.tables.flatMap((rule) => {
    const own = [
      rule.masks.size > 0 && 'mask',
      rule.keep.length > 0 && 'keep',
      rule.where !== null && 'where',
      rule.foreignKeys.size > 0 && 'foreign-keys',
      rule.references.length > 0 && 'references',
    ].filter((key) => key !== false);
    if (rule.treatment !== 'copy' && own.length > 0)
      return [`${rule.at}: ${rule.pattern}: ${own.join(', ')} only goes with treatment copy`];
    if (rule.preserve !== null && (rule.treatment === 'schema-only' || rule.treatment === 'exclude'))
      return [`${rule.at}: ${rule.pattern}: preserve goes with treatment copy or preserve`];
    return [];
  });
}

function undecidedOf(
  policy: Policy,
  { table, rule }: Subject,
  rules: ReadonlyMap<number, TableRule>,
  facts: TableFacts,
  masking: Masking,
): Undecided[] {
  // A partition is decided on with the table that it is part of, unless its rows alone are copied.
  if (table.partitionOf !== null && (rules.get(table.partitionOf)?.treatment ?? 'copy') === 'copy') return [];
  const columns = facts.columns.get(table.oid) ?? new Map<string, Column>();
  const masks = new Map([...(masking.get(table.oid) ?? [])].map(([name, mask]) => [name, mask.rule]));
  const decided = { treatment: 'copy', keep: [], ...rule, masks } as const;
  return undecidedColumns(table, columns.values(), decided, policy.unlisted === 'fail').map((undecided) =>
    undecided.mask === 'keep'
      ? undecided
      : { ...undecided, mask: fittingMask(undecided, columns, facts) ?? '{ keep: "" }' },
  );
}
