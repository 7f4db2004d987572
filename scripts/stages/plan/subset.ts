import type { Table } from '../../model/catalog.ts';
import type { PlannedTable, RowsLeftOut } from '../../model/plan.ts';
import type { TableRule } from '../../model/policy.ts';
import type { Run } from '../../model/run.ts';
import { display, ident, qualified } from '../../model/table.ts';
import { inheritKeys } from '../../policy/heirs.ts';
import { matches } from '../../policy/patterns.ts';
import { planSubset, type Subset, type SubsetKey, type SubsetTable } from '../../policy/subset.ts';
import type { Key, TableFacts } from '../../policy/table-facts.ts';
import { reading } from '../../postgres/reading.ts';
import type { Session } from '../../postgres/session.ts';
import { tryCondition } from './probe.ts';

interface Subject {
  readonly table: Table;
  readonly rule: TableRule | undefined;
}

/** What is wrong with the rules' conditions and keys: production is asked to parse each, and reads no row. */
export async function conditionProblems(
  reader: Session,
  subjects: readonly Subject[],
  facts: TableFacts,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { table, rule } of subjects) {
    if (!rule) continue;
    const conditions = [
      ...(rule.where === null ? [] : [['where', rule.where] as const]),
      ...[...rule.masks].flatMap(([column, { when, mask, options }]) => [
        ...(when === null ? [] : [[`mask ${column}: when`, when] as const]),
        ...(mask === 'sql' ? [[`mask ${column}: sql`, `((${String(options)})::text) is null`] as const] : []),
      ]),
    ];
    for (const [key, condition] of conditions) {
      const problem = await tryCondition(reader, table, condition);
      if (problem)
        problems.push(`${rule.at}: ${display(table)}: ${key}: ${problem}; names need their schema`);
    }
    const names = new Set(facts.keys.filter((key) => key.table === table.oid).map(({ name }) => name));
    for (const [name, action] of rule.foreignKeys) {
      if (table.partitionOf !== null || !matches(rule.pattern, display(table))) continue;
      const key = facts.keys.find((known) => known.table === table.oid && known.name === name);
      if (!key) {
        problems.push(
          `${rule.at}: ${display(table)} has no foreign key ${name}; it has ${[...names].join(', ') || 'none'}`,
        );
      } else if (action === 'set-null') {
        const fixed = key.columns.filter((column) => facts.columns.get(table.oid)?.get(column)?.notNull);
        if (fixed.length > 0)
          problems.push(`${rule.at}: ${display(table)}: ${name}: ${fixed.join(', ')} can’t be NULL`);
      }
    }
    problems.push(...referenceProblems({ table, rule }, subjects, facts));
  }
  return problems;
}

/** Narrows tables to the rows that the policy leaves, and counts what each one loses. */
export async function applySubset(
  run: Run,
  reader: Session,
  tables: readonly PlannedTable[],
  subjects: readonly Subject[],
  facts: TableFacts,
): Promise<PlannedTable[]> {
  const members = subjects.map(({ table, rule }): SubsetTable => {
    // Which of staging's own rows will be there is not known yet: the keys to them are checked when they are.
    const where = rule?.treatment === 'schema-only' ? 'false' : (rule?.where ?? null);
    return { table, where };
  });
  const subsets = planSubset(members, subsetKeys(subjects, facts));
  const result: PlannedTable[] = [];
  for (const entry of tables) {
    const subset = subsets.get(entry.table.oid);
    const narrowed = subset && entry.treatment === 'copy' ? narrow(entry, subset) : entry;
    const counted =
      subset && entry.treatment === 'copy' && subset.where !== null
        ? await countLeftOut(reader, entry.table, subset)
        : null;
    if (counted && counted.rows > 0) {
      const through = counted.through.map(({ condition, rows }) => `${rows} by ${condition}`).join(', ');
      run.log.info(`${display(entry.table)}: ${counted.rows} rows are left out (${through})`);
    }
    result.push({ ...narrowed, rowsLeftOut: counted });
  }
  return result;
}

function narrow(planned: PlannedTable, subset: Subset): PlannedTable {
  const masks = new Map(planned.masks);
  for (const [column, condition] of subset.setNull) {
    masks.set(column, `case when ${condition} then ${masks.get(column) ?? ident(column)} end`);
  }
  const conditions = [planned.where, subset.where].filter((condition) => condition !== null);
  return {
    ...planned,
    masks,
    subset: { where: subset.where, setNull: subset.setNull, masks: planned.masks },
    where: conditions.length === 0 ? null : conditions.map((one) => `(${one})`).join(' and '),
  };
}

async function countLeftOut(reader: Session, table: Table, subset: Subset): Promise<RowsLeftOut> {
  // In WHERE the planner joins what a filter would ask once for each row: minutes for 90,000 rows three keys away.
  const counted = ['true', subset.where, ...subset.reasons.map(({ kept }) => kept)].map(
    (kept, index) => `(select count(*) from only ${qualified(table)} where ${kept})::text as c${index}`,
  );
  const row = await reading(reader, () =>
    reader.row<Record<string, string>>(`select ${counted.join(', ')}`, undefined, display(table)),
  );
  const without = (index: number) => Number(row.c0) - Number(row[`c${index}`]);
  return {
    rows: without(1),
    through: subset.reasons
      .map(({ label }, index) => ({ condition: label, rows: without(index + 2) }))
      .filter(({ rows }) => rows > 0),
  };
}

function subsetKeys(subjects: readonly Subject[], facts: TableFacts): SubsetKey[] {
  const rules = new Map(subjects.map(({ table, rule }) => [table.oid, rule]));
  const names = new Map(subjects.map(({ table }) => [display(table), table.oid]));
  const real = facts.keys
    .filter((key) => rules.has(key.table) && rules.has(key.references))
    .map(
      (key: Key): SubsetKey => ({
        ...key,
        action: rules.get(key.table)?.foreignKeys.get(key.name) ?? 'leave-out',
        label: key.name,
      }),
    );
  const virtual = subjects.flatMap(({ table, rule }) =>
    (rule?.references ?? []).map(
      ({ columns, to, key, action }): SubsetKey => ({
        oid: 0,
        name: `(${columns.join(', ')}) → ${to}`,
        label: `(${columns.join(', ')}) → ${to}`,
        table: table.oid,
        columns,
        references: names.get(to) ?? 0,
        key,
        nullable: columns.filter((name) => !facts.columns.get(table.oid)?.get(name)?.notNull),
        equals: [],
        // Nobody has checked it: a reference that leads nowhere is no reason to leave a row out.
        validated: false,
        action: action ?? 'leave-out',
      }),
    ),
  );
  // Of a table with a rule of its own this was refused; what inherits may be stricter than the table whose rule it has.
  return inheritKeys([...real, ...virtual], subjects, facts).map((key) =>
    key.nullable.length < key.columns.length ? { ...key, action: 'leave-out' } : key,
  );
}

function referenceProblems(
  { table, rule }: Subject,
  subjects: readonly Subject[],
  facts: TableFacts,
): string[] {
  return (rule?.references ?? []).flatMap(({ columns, to, key, action }) => {
    const target = subjects.find((subject) => display(subject.table) === to)?.table;
    const at = `${rule?.at}: ${display(table)}: references`;
    if (!target) return [`${at}: there is no table ${to}`];
    if (columns.length !== key.length) return [`${at}: ${columns.length} columns refer to ${key.length}`];
    const missing = [
      ...columns
        .filter((name) => !facts.columns.get(table.oid)?.has(name))
        .map((name) => `${display(table)}.${name}`),
      ...key.filter((name) => !facts.columns.get(target.oid)?.has(name)).map((name) => `${to}.${name}`),
    ];
    if (missing.length > 0) return [`${at}: there is no column ${missing.join(', ')}`];
    const fixed = columns.filter((name) => facts.columns.get(table.oid)?.get(name)?.notNull);
    return action === 'set-null' && fixed.length > 0 && matches(rule?.pattern ?? '', display(table))
      ? [`${at}: ${fixed.join(', ')} can’t be NULL`]
      : [];
  });
}
