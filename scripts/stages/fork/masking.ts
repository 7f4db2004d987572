import type { Part, PlannedTable } from '../../model/plan.ts';
import type { ForkRun } from '../../model/run.ts';
import { display, ident, qualified } from '../../model/table.ts';
import { isYoung, mayLookYoung, youngSoon } from '../../postgres/row-age.ts';
import type { Session } from '../../postgres/session.ts';
import { runTasks, type Task } from '../../system/task-graph.ts';
import { inOneTransaction, once } from './carry-out.ts';
import { journalSchema, type Treatment } from './journal.ts';

/** Blocks of a batch: with blocks of 8 kB a quarter of a gigabyte, a minute's work that a crash can cost. */
const batchBlocks = 32_768;

interface Batch {
  readonly relation: number;
  readonly number: number;
  /** Heap blocks, `first` inclusive, `beyond` exclusive; null leaves that end open. */
  readonly first: number | null;
  readonly beyond: number | null;
}

/**
 * The statement that says what production's values of some rows become, counted and added up without a value: the
 * stage that verifies compares it with what stands there in the end.
 */
export type ClearStatement = (planned: PlannedTable, part: Part) => string;

/**
 * Masks by UPDATE, in ranges of heap blocks, each in a transaction of its own. A row that was masked lies in some other
 * block as a new row: nobody else writes in the fork, so rows that are younger than the first of these transactions are
 * masked already, and are passed over by all others and by those of a run that goes on after a crash.
 */
export async function maskInPlace(
  run: ForkRun,
  hands: readonly Session[],
  { plan }: Treatment,
  clear: ClearStatement,
): Promise<void> {
  const [first] = hands;
  const masked = plan.tables.filter(({ masks }) => masks.size > 0);
  if (!first || masked.length === 0) return;
  const youngest = await once(first, 'masks begin', async () => {
    await touchOld(hands, first, masked);
    const { xid } = await first.row<{ xid: string }>(
      'select pg_catalog.pg_current_xact_id()::xid::text as xid',
    );
    return xid;
  });
  for (const planned of masked) await divide(first, planned);
  const unmasked = `not ${isYoung(`'${youngest}'::xid`)}`;
  const batches = await first.rows<Batch>(
    `select relation::int8::float8 as relation, number, first::float8 as first, beyond::float8 as beyond
       from ${ident(journalSchema)}.batches where clear is null`,
  );
  let done = 0;
  const tell = () => run.log.progress({ label: 'masks', done, total: batches.length, unit: 'steps' });
  tell();
  const byOid = new Map(masked.map((planned) => [planned.table.oid, planned]));
  const tasks = batches.flatMap((batch): Task<Session>[] => {
    const planned = byOid.get(batch.relation);
    if (!planned) return [];
    return [
      {
        name: `mask ${display(planned.table)}`,
        weight: ((batch.beyond ?? 0) - (batch.first ?? 0)) * planned.masks.size,
        after: [],
        run: async (session) => {
          await maskBatch(session, planned, batch, unmasked, clear);
          done++;
          tell();
        },
      },
    ];
  });
  await runTasks(tasks, hands);
}

/** Rows that a masked one could be taken for are written anew, as they are: then they are of before the first mask. */
async function touchOld(
  hands: readonly Session[],
  first: Session,
  masked: readonly PlannedTable[],
): Promise<void> {
  if (!(await mayLookYoung(first))) return;
  const tasks = masked.map(({ table, masks }): Task<Session> => {
    const [column = ''] = [...masks.keys()].map(ident);
    const name = display(table);
    return {
      name: `rows of long ago in ${name}`,
      weight: table.bytes,
      after: [],
      run: (session) =>
        session.run(`update only ${qualified(table)} set ${column} = ${column} where ${youngSoon}`, name),
    };
  });
  await runTasks(tasks, hands);
}

/** Writes down the batches of a table, unless they are. */
async function divide(session: Session, { table }: PlannedTable): Promise<void> {
  const range = table.heap ? 'step, step + $3::int8' : 'null, null';
  await session.rows(
    `insert into ${ident(journalSchema)}.batches (relation, number, first, beyond)
     select $1::oid, row_number() over (order by step), ${range}
       from generate_series(0, ${table.heap ? `greatest(pg_catalog.pg_relation_size($2::regclass) / current_setting('block_size')::int8 - 1, 0)` : '0'}, $3::int8) as step
      where not exists (select from ${ident(journalSchema)}.batches where relation = $1::oid) and $2::regclass is not null`,
    [table.oid, qualified(table), batchBlocks],
  );
}

async function maskBatch(
  session: Session,
  planned: PlannedTable,
  { number, first, beyond }: Batch,
  unmasked: string,
  clear: ClearStatement,
): Promise<void> {
  const { table, masks } = planned;
  const batches = `${ident(journalSchema)}.batches`;
  const range = [
    ...(first === null ? [] : [`ctid >= '(${first},0)'`]),
    ...(beyond === null ? [] : [`ctid < '(${beyond},0)'`]),
  ];
  const made = clear({ ...planned, where: unmasked }, { from: first, to: beyond, bytes: 0 });
  const set = [...masks].map(([column, expression]) => `${ident(column)} = ${expression}`).join(', ');
  const statements = [
    `update ${batches} set clear = (select to_jsonb(made)::text from (${made}) as made) where relation = ${table.oid} and number = ${number}`,
    `update only ${qualified(table)} set ${set} where ${[...range, unmasked].join(' and ')}`,
  ];
  await inOneTransaction(session, statements, display(table));
}

/** What the batches of each table counted, by its oid. */
export async function readClear(
  session: Session,
): Promise<Map<number, Readonly<Record<string, string | null>>[]>> {
  const rows = await session.rows<{ relation: number; clear: string }>(
    `select relation::int8::float8 as relation, clear from ${ident(journalSchema)}.batches where clear is not null`,
  );
  const byTable = new Map<number, Readonly<Record<string, string | null>>[]>();
  for (const { relation, clear } of rows) {
    const counts = byTable.get(relation) ?? [];
    counts.push(JSON.parse(clear) as Record<string, string | null>);
    byTable.set(relation, counts);
  }
  return byTable;
}
