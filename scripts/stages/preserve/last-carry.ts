import { setTimeout as sleep } from 'node:timers/promises';
import { asError, RefreshError } from '../../model/errors.ts';
import type { PreservedTable } from '../../model/plan.ts';
import type { StagingRun } from '../../model/run.ts';
import { display, ident, literal, qualified } from '../../model/table.ts';
import { spliceCopy } from '../../postgres/copy.ts';
import { type Hold, mayBeEnded } from '../../postgres/ending-sessions.ts';
import { raiseSequences } from '../../postgres/numbering.ts';
import { columnsQuery, ownRowsOut } from '../../postgres/own-rows.ts';
import { announcedPid } from '../../postgres/pg-client.ts';
import { openStaging } from '../../postgres/run-sessions.ts';
import type { Session } from '../../postgres/session.ts';
import { putRows, readTriggers, type Triggers } from './statements.ts';

/** A table whose rows were carried over once already. */
export interface CarriedTable {
  readonly preserved: PreservedTable;
  /** Columns that both sides have. */
  readonly columns: readonly string[];
  /** Temporary table of the target's session: the rows as they were carried over. */
  readonly before: string;
}

/** Longest wait for staging's own writers; whoever is in the way is ended, as publishing ends them anyway. */
const lockTimeoutMs = 5_000;
const endBlockersEveryMs = 100;

/**
 * Locks staging's own tables against writing and carries over what has changed in them since they were first carried:
 * new and changed rows, and those that are gone. What stays as it was is left alone, so that what the policy's files have
 * done to the next database's rows is not undone.
 *
 * @param target keeps the temporary tables; both sessions have to be gone before the databases can be renamed.
 * @throws RefreshError `preserve-failed`.
 */
export async function carryLast(
  run: StagingRun,
  live: string,
  target: Session,
  tables: readonly CarriedTable[],
): Promise<Hold> {
  const source = await openStaging(run, live, { search_path: '', default_transaction_read_only: 'on' });
  try {
    await lockAgainstWriting(source, target, tables);
    for (const table of tables) await readAgain(source, target, table);
    await target.run('begin');
    const changed = await applyDifferences(target, tables);
    await target.run('commit');
    if (changed > 0) run.log.info(`carried over once more: ${changed} rows that staging changed meanwhile`);
    return {
      pids: [announcedPid(source.client), announcedPid(target.client)],
      release: async () => {
        await target.close();
        await source.close();
      },
      letGo: () => source.close(),
    };
  } catch (cause) {
    await source.close();
    await target.run('rollback').catch(() => undefined);
    if (cause instanceof RefreshError && cause.code !== 'statement-failed') throw cause;
    throw new RefreshError('preserve-failed', asError(cause).message, {
      object: 'what staging changed while the refresh ran',
      hint: 'nothing was published; run it again when nobody changes these tables',
      cause,
    });
  }
}

/** Readers go on. Locking a table takes its owner's rights; staging's administrator acts for the owners. */
async function lockAgainstWriting(
  source: Session,
  target: Session,
  tables: readonly CarriedTable[],
): Promise<void> {
  await source.run(`begin; set local lock_timeout = ${lockTimeoutMs}`);
  const pid = announcedPid(source.client);
  let waiting = true;
  const ending = (async () => {
    while (waiting) {
      await sleep(endBlockersEveryMs);
      if (waiting)
        await target.rows(
          `select pg_catalog.pg_terminate_backend(a.pid)
             from pg_catalog.pg_stat_activity a join pg_catalog.pg_roles r on r.oid = a.usesysid
            where a.pid = any (pg_catalog.pg_blocking_pids($1)) and ${mayBeEnded}`,
          [pid],
        );
    }
  })();
  ending.catch(() => undefined);
  try {
    for (const { preserved } of tables) {
      await asOwner(source, preserved, () =>
        source.run(`lock table only ${qualified(preserved.table)} in share row exclusive mode`),
      );
    }
  } finally {
    waiting = false;
    await ending.catch(() => undefined);
  }
}

/** The rows as they are now, into a second temporary table. */
async function readAgain(
  source: Session,
  target: Session,
  { preserved, columns, before }: CarriedTable,
): Promise<void> {
  const again = `${before}_again`;
  await spliceCopy({
    source,
    copyOut: ownRowsOut(preserved, columns),
    target,
    copyIn: [
      `drop table if exists pg_temp.${again}`,
      `create temporary table ${again} as table pg_temp.${before} with no data`,
      `grant select on pg_temp.${again}, pg_temp.${before} to public`,
      `copy pg_temp.${again} from stdin`,
    ].join(';\n'),
    object: display(preserved.table),
  });
}

/** Rows that refer to others go before them and come after them. @returns how many rows differ. */
async function applyDifferences(target: Session, tables: readonly CarriedTable[]): Promise<number> {
  const differing: { readonly table: CarriedTable; readonly statements: Statements }[] = [];
  let rows = 0;
  for (const table of tables) {
    const count = await countDifference(target, table);
    if (count > 0) differing.push({ table, statements: await differenceStatements(target, table) });
    rows += count;
  }
  for (const { table, statements } of differing.toReversed())
    await change(target, table, statements.triggers, [statements.remove]);
  for (const { table, statements } of differing)
    await change(target, table, statements.triggers, statements.put);
  // Should publishing have to be tried again, this is what stands there now.
  for (const { before } of tables) {
    await target.run(`drop table pg_temp.${before}; alter table pg_temp.${before}_again rename to ${before}`);
  }
  return rows;
}

async function countDifference(target: Session, { before }: CarriedTable): Promise<number> {
  const [was, is] = [
    `select t::text from pg_temp.${before} as t`,
    `select t::text from pg_temp.${before}_again as t`,
  ];
  const { rows } = await target.row<{ rows: number }>(
    `select ((select count(*) from (${is} except all ${was}) as new)
           + (select count(*) from (${was} except all ${is}) as gone))::float8 as rows`,
  );
  return rows;
}

async function change(
  target: Session,
  { preserved }: CarriedTable,
  { off, on }: Triggers,
  statements: readonly string[],
): Promise<void> {
  await asOwner(target, preserved, async () => {
    await target.run([...off, ...statements, ...on].join(';\n'), display(preserved.table), true);
    await raiseSequences(target, preserved.table);
  });
}

interface Statements {
  readonly remove: string;
  readonly put: readonly string[];
  readonly triggers: Triggers;
}

/** The next database's table may have changed since: a column that the policy's files took away is nobody's any more. */
async function differenceStatements(
  target: Session,
  { preserved, columns, before }: CarriedTable,
): Promise<Statements> {
  const { table, key } = preserved;
  const name = qualified(table);
  const now = await target.rows<{ name: string }>(columnsQuery, [name]);
  const shared = columns.filter((column) => now.some((known) => known.name === column));
  const list = shared.map(ident).join(', ');
  const [was, is] = [`pg_temp.${before}`, `pg_temp.${before}_again`];
  const triggers = await readTriggers(target, table);
  // Without a key no row can be told from another: all of them are put in anew.
  if (key.length === 0) {
    const put = `insert into ${name} (${list}) overriding system value select ${list} from ${is}`;
    return { remove: `delete from ${name}`, put: [put], triggers };
  }
  const same = (one: string, other: string) =>
    key.map((column) => `${one}.${ident(column)} = ${other}.${ident(column)}`).join(' and ');
  return {
    remove: `delete from ${name} as here using ${was} as b where ${same('here', 'b')} and not exists (select from ${is} as a where ${same('a', 'b')})`,
    put: putRows(
      { name, key, columns: shared, triggers },
      `${is} as a`,
      `not exists (select from ${was} as b where b::text = a::text)`,
    ),
    triggers,
  };
}

async function asOwner(
  session: Session,
  { table }: PreservedTable,
  work: () => Promise<void>,
): Promise<void> {
  const { owner, own } = await session.row<{ owner: string; own: boolean }>(
    `select pg_catalog.pg_get_userbyid(relowner)::text as owner,
            pg_catalog.pg_has_role(relowner, 'USAGE') as own
       from pg_catalog.pg_class where oid = to_regclass(${literal(qualified(table))})`,
  );
  if (own) return await work();
  await session.run(`set local role ${ident(owner)}`);
  await work();
  await session.run('reset role');
}
