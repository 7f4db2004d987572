import type { Catalog, ForeignKey } from '../../model/catalog.ts';
import { RefreshError } from '../../model/errors.ts';
import { maskKeyHint } from '../../model/mask-key-hint.ts';
import type { LaterKey, LeftOut, Plan, PlannedTable, PreservedTable } from '../../model/plan.ts';
import type { Policy, TableRule } from '../../model/policy.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { linesFor, type Undecided, undecidedColumns } from '../../policy/decisions.ts';
import { type Masking, maskExpressions, maskedColumns, needsKey } from '../../policy/masking.ts';
import { badPolicy } from '../../policy/policy-file.ts';
import { reviewPolicy } from '../../policy/review.ts';
import type { TableFacts } from '../../policy/table-facts.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { classCatalog, readExclusion, withoutExcluded } from './exclusion.ts';
import { tryMasks } from './probe.ts';
import { applySubset, conditionProblems } from './subset.ts';

/**
 * Turns the data policy into what the other stages follow: which tables are made, which rows are read, what production
 * sends in a masked column's place. Everything that speaks against it is told before a byte is written.
 *
 * @throws RefreshError `bad-policy`, `bad-environment` when a mask needs the key and there is none.
 */
export async function applyPolicy(
  run: Run,
  policy: Policy,
  snapshot: Snapshot,
  plan: Plan,
  facts: TableFacts,
): Promise<Plan> {
  const refuse = (problems: readonly string[]) => {
    if (problems.length > 0) throw badPolicy(policy.file, problems);
  };
  const review = reviewPolicy(policy, plan.catalog, facts);
  const { rules, masking } = review;
  refuse(review.problems);
  const excluded = plan.catalog.tables.filter(({ oid }) => rules.get(oid)?.treatment === 'exclude');
  const { exclusion, problems } = await readExclusion(snapshot.session, excluded);
  refuse(problems);
  refuseUndecided(policy, review.undecided);
  const catalog = withoutLargeObjects(withoutExcluded(plan.catalog, exclusion, classCatalog), policy);
  const tables = plan.tables.filter(({ table }) => catalog.tables.includes(table));
  const unread = new Set(catalog.fleeting?.map(({ oid }) => oid));
  const subjects = review.subjects.filter(
    ({ table }) => catalog.tables.includes(table) && !unread.has(table.oid),
  );
  if (needsKey(masking) && !run.config.maskKey) throw keyMissing();

  await using reader = await snapshot.openReader();
  refuse(await conditionProblems(reader, subjects, facts));
  const treated = tables.map((planned) => treat(planned, rules.get(planned.table.oid), masking, facts));
  const narrowed = await applySubset(run, reader, treated, subjects, facts);
  // As the sessions that load: a domain's check may find its helpers by path.
  await reader.run('reset search_path');
  const tried: string[] = [];
  for (const planned of narrowed)
    tried.push(...(await tryMasks(reader, planned, rules.get(planned.table.oid), facts)));
  refuse(tried);
  const preserved = preservedTables(catalog, rules);
  const staged = new Set(preserved.map(({ table }) => table.oid));
  const isLater = (key: ForeignKey) => staged.has(key.table) || staged.has(key.references);
  const later = await laterKeys(snapshot.session, catalog, isLater);
  for (const warning of review.clearCopies.warnings) run.log.warn(warning);
  for (const note of review.clearCopies.notes) run.log.info(note);
  const leftOut = [...exclusion.leftOut, ...leftOutLargeObjects(plan.catalog, catalog)];
  for (const { object, reason } of leftOut) run.log.info(`left out: ${object}: ${reason}`);
  return {
    ...plan,
    catalog: { ...catalog, foreignKeys: catalog.foreignKeys.filter((key) => !isLater(key)) },
    tables: narrowed,
    bytes: narrowed.reduce((sum, { table, treatment }) => sum + (treatment === 'copy' ? table.bytes : 0), 0),
    policy: {
      folder: policy.folder,
      exclusion: {
        ...exclusion,
        leftOut,
        objects: new Set([...exclusion.objects, ...later.map(constraintObject)]),
      },
      preserved,
      laterKeys: later,
      beforePublish: policy.beforePublish,
    },
  };
}

function withoutLargeObjects(catalog: Catalog, { largeObjects }: Policy): Catalog {
  return largeObjects === 'exclude' ? { ...catalog, largeObjects: [] } : catalog;
}

function leftOutLargeObjects({ largeObjects }: Catalog, made: Catalog): LeftOut[] {
  if (largeObjects.length === made.largeObjects.length) return [];
  return [{ object: `${largeObjects.length} large objects`, reason: 'the policy excludes them' }];
}

function treat(
  planned: PlannedTable,
  rule: TableRule | undefined,
  masking: Masking,
  facts: TableFacts,
): PlannedTable {
  const { table } = planned;
  if (rule && rule.treatment !== 'copy' && rule.treatment !== 'exclude') {
    const [part] = planned.parts;
    return {
      ...planned,
      parts: part ? [{ ...part, from: null, to: null }] : [],
      where: 'false',
      treatment: rule.treatment,
    };
  }
  const masks = masking.get(table.oid) ?? new Map();
  return {
    ...planned,
    masks: maskExpressions(masks, facts.columns.get(table.oid) ?? new Map()),
    masked: maskedColumns(masks),
  };
}

function preservedTables(catalog: Catalog, rules: ReadonlyMap<number, TableRule>): PreservedTable[] {
  const primary = new Map(
    catalog.indexes.flatMap(({ table, constraint }) =>
      constraint?.kind === 'p' ? [[table, constraint] as const] : [],
    ),
  );
  return catalog.tables.flatMap((table) => {
    const rule = rules.get(table.oid);
    if (table.kind !== 'r' || !rule || rule.preserve === null) return [];
    const key = primary.get(table.oid)?.columns ?? [];
    return [{ table, rows: rule.preserve, whole: rule.treatment === 'preserve', key }];
  });
}

async function laterKeys(
  session: Session,
  catalog: Catalog,
  isLater: (key: ForeignKey) => boolean,
): Promise<LaterKey[]> {
  const keys = catalog.foreignKeys.filter(isLater);
  const names = await session.rows<{ oid: number; constraint: string }>(
    `select k.oid, format('%s of %s', k.conname, k.conrelid::regclass) as constraint
       from pg_catalog.pg_constraint k where k.oid = any ($1::oid[])`,
    [keys.map(({ oid }) => oid)],
  );
  return keys.flatMap((key) => {
    const table = catalog.tables.find(({ oid }) => oid === key.table);
    const constraint = names.find(({ oid }) => oid === key.oid)?.constraint;
    return table && constraint ? [{ key, table, constraint }] : [];
  });
}

/** As an archive names it: pg_constraint's own oid is the same on every server. */
function constraintObject({ key }: LaterKey): string {
  return `2606/${key.oid}`;
}

function refuseUndecided(policy: Policy, undecided: readonly Undecided[]): void {
  if (undecided.length === 0) return;
  throw new RefreshError(
    'bad-policy',
    `${undecided.length} columns need a decision; lines for the policy:\ntables:\n${linesFor(undecided)}`,
    {
      object: policy.file,
      hint: 'give each a mask, or { keep: "why it may be copied" }; docs/policy.md lists the masks; nothing was copied',
    },
  );
}

/** Lines of the report about personal data when there is no policy to say so. */
const mostWarnings = 20;

/** What is to be said of a run without a data policy. */
export function warnOfPersonalData(run: Run, plan: Plan, columns: TableFacts['columns']): void {
  const found = plan.tables
    .filter(({ table }) => table.partitionOf === null)
    .flatMap(({ table }) =>
      undecidedColumns(table, columns.get(table.oid)?.values() ?? [], undefined, false),
    );
  for (const { table, column, reason } of found.slice(0, mostWarnings)) {
    run.log.warn(`copied as it is, without a data policy: ${display(table)}.${column} ${reason}`);
  }
  if (found.length > mostWarnings)
    run.log.warn(`and ${found.length - mostWarnings} more columns that look like personal data`);
}

function keyMissing(): RefreshError {
  return new RefreshError('bad-environment', 'the policy has masks that need a key, and it is not set', {
    object: 'REFRESH_MASK_KEY',
    hint: maskKeyHint,
  });
}
