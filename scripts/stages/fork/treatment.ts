import type { Table } from '../../model/catalog.ts';
import type { Plan, PlannedTable } from '../../model/plan.ts';
import { display, ident, qualified } from '../../model/table.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { readViewDependencies } from '../../postgres/view-dependencies.ts';
import { dropKey, keysInTheWay, readSwitches } from './in-the-way.ts';
import { journalSchema, type Step, type Treatment } from './journal.ts';
import { listRows, removeRows } from './leave-out.ts';
import { forgetOldStatistics, sampleAgain } from './statistics.ts';

type Decided = Omit<Treatment, 'connect' | 'searchPath'>;

/**
 * Decides on every statement that turns the fork into what a copy under the same policy would be. Reads the fork's own
 * catalog under a snapshot; changes nothing.
 *
 * @param viewOrder materialized views that hold rows, in the order in which they read each other.
 */
export async function decide(
  planned: Plan,
  snapshot: Snapshot,
  viewOrder: (plan: Plan, dependencies: Awaited<ReturnType<typeof readViewDependencies>>) => Table[],
  searchPath: string,
): Promise<Decided> {
  const plan: Plan = { ...planned, tables: planned.tables.map(inPlace) };
  const emptied = plan.tables.filter(({ treatment }) => treatment !== 'copy');
  const losing = plan.tables.filter(
    ({ treatment, subset }) => treatment === 'copy' && subset?.where !== null && subset !== undefined,
  );
  const masked = plan.tables.filter(({ masks }) => masks.size > 0);
  const unlinked = plan.tables.filter(
    ({ treatment, subset }) => treatment === 'copy' && subset?.setNull.size,
  );
  const changed = new Set([...losing, ...masked, ...unlinked].map(({ table }) => table.oid));
  const keys = await keysInTheWay(snapshot.session, plan, [...emptied, ...losing], masked);
  const rewritten = plan.tables.filter(({ table }) => changed.has(table.oid));
  const switches = await readSwitches(snapshot.session, [...rewritten, ...emptied]);
  const views = viewOrder(plan, await readViewDependencies(snapshot.session));
  const later = planned.policy?.laterKeys ?? [];
  // All of them stay, or none: as the policy has it.
  const withoutLargeObjects = plan.catalog.largeObjects.length === 0;
  const constraints = await readConstraints(snapshot.session);
  const excluded = planned.policy?.exclusion.constraints ?? new Set<string>();
  return {
    plan,
    changed,
    constraints: new Map([...constraints].filter(([name]) => !excluded.has(name))),
    before: [
      {
        name: 'list rows',
        serial: false,
        steps: [...rewritten.map(countRows), ...rewritten.flatMap(listRows)],
      },
      {
        name: 'clear the way',
        serial: true,
        steps: step('clear the way', [
          ...later.map(({ key, table }) => dropKey(table, key.name)),
          ...keys.map(({ drop }) => drop),
          ...switches.map(({ off }) => off),
          ...(await excludedTables(snapshot.session, plan)),
          ...(withoutLargeObjects
            ? ['select pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata']
            : []),
          ...(emptied.length > 0
            ? [`truncate ${emptied.map(({ table }) => `only ${qualified(table)}`).join(', ')}`]
            : []),
        ]),
      },
      { name: 'leave out', serial: false, steps: rewritten.flatMap(removeRows) },
    ],
    rewrite: [
      {
        name: 'rewrite',
        serial: false,
        steps: [
          ...rewritten.map(({ table }) => rewrite(qualified(table), table.bytes)),
          ...(withoutLargeObjects ? [rewrite('pg_catalog.pg_largeobject', 1)] : []),
        ],
      },
    ],
    after: [
      {
        name: 'keys',
        serial: true,
        steps: [
          ...step(
            'triggers',
            switches.map(({ on }) => on),
          ),
          ...keys.map(({ name, add }) => ({ name: `key ${name}`, statements: add, weight: 1 })),
        ],
      },
      {
        name: 'validate',
        serial: false,
        steps: keys.flatMap(({ name, validate, weight }) =>
          validate ? { name: `validate ${name}`, statements: [validate], weight } : [],
        ),
      },
      {
        name: 'views',
        serial: true,
        steps: views.map((view) => ({
          name: `refresh ${display(view)}`,
          statements: [
            `set local search_path = ${searchPath}`,
            `refresh materialized view ${qualified(view)}`,
            `analyze ${qualified(view)}`,
          ],
          weight: view.bytes,
        })),
      },
    ],
    last: [
      {
        name: 'statistics',
        serial: false,
        steps: await sampleAgain(
          snapshot.session,
          rewritten,
          emptied,
          planned.policy?.exclusion.relations ?? [],
        ),
      },
      { name: 'old statistics', serial: true, steps: forgetOldStatistics() },
    ],
  };
}

/** Production's own conditions say which rows a copy reads; here all rows are there, and some are taken away first. */
function inPlace(planned: PlannedTable): PlannedTable {
  const masks = planned.treatment === 'copy' ? (planned.subset?.masks ?? planned.masks) : new Map();
  return { ...planned, masks, where: null, whereInStaging: null };
}

function step(name: string, statements: readonly string[]): Step[] {
  return statements.length === 0 ? [] : [{ name, statements, weight: 1 }];
}

function countRows({ table }: PlannedTable): Step {
  return {
    name: `count ${display(table)}`,
    statements: [
      `insert into ${ident(journalSchema)}.counted select ${table.oid}, count(*), 0 from only ${qualified(table)}`,
    ],
    weight: table.bytes,
  };
}

function rewrite(relation: string, weight: number): Step {
  return {
    name: `rewrite ${relation}`,
    statements: [`vacuum (full) ${relation}`],
    weight,
    rewrites: relation,
  };
}

async function excludedTables(session: Session, { policy }: Plan): Promise<string[]> {
  const relations = policy?.exclusion.relations ?? [];
  if (relations.length === 0) return [];
  const tables = await session.rows<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join jsonb_to_recordset($1::jsonb) as gone(schema text, name text) on gone.schema = n.nspname and gone.name = c.relname
      where c.relkind in ('r', 'p') order by 1`,
    [JSON.stringify(relations)],
  );
  return [`drop table ${tables.map(({ name }) => name).join(', ')} cascade`];
}
