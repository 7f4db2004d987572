import { RefreshError } from '../../model/errors.ts';
import type { Plan } from '../../model/plan.ts';
import type { ForkRun } from '../../model/run.ts';
import { display, ident, literal, qualified, type TableRef } from '../../model/table.ts';
import type { Session } from '../../postgres/session.ts';
import { done, readDone } from './journal.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  /** Has to have a value that nothing else gives it. */
  readonly needed: boolean;
}

/**
 * ANALYZE leaves the statistics of a table without rows as they were, with production's values in them, and nobody but a
 * superuser may delete them. A column that gets the type that it has loses them (ATExecAlterColumnType in the server's
 * source); where a view or the like forbids that, a row without meaning is sampled and taken away again.
 *
 * @throws RefreshError `not-permitted` naming the columns whose values could not be forgotten.
 */
export async function forgetEmptied(
  run: ForkRun,
  session: Session,
  plan: Plan,
  changed: ReadonlySet<number>,
): Promise<void> {
  const finished = await readDone(session);
  for (const { table, treatment } of plan.tables) {
    run.signal.throwIfAborted();
    const step = `forget ${display(table)}`;
    if (finished.has(step) || (treatment === 'copy' && !changed.has(table.oid))) continue;
    const { empty } = await session.row<{ empty: boolean }>(
      `select not exists (select from only ${qualified(table)}) as empty`,
    );
    await session.run('begin');
    try {
      if (empty) await forget(session, table);
      await session.run(`${done(step)}; commit`);
    } catch (error) {
      if (!session.lost) await session.run('rollback');
      throw error;
    }
  }
}

async function forget(session: Session, table: TableRef): Promise<void> {
  if ((await known(session, table)).length === 0) return;
  const columns = await session.rows<Column>(columnQuery, [qualified(table)]);
  for (const { name, type, collation } of columns) {
    const collate = collation === null ? '' : ` collate ${collation}`;
    await tried(
      session,
      `alter table only ${qualified(table)} alter column ${ident(name)} type ${type}${collate}`,
    );
  }
  if ((await known(session, table)).length === 0) return;
  await sampleNothing(session, table, columns);
  const left = await known(session, table);
  if (left.length === 0) return;
  throw new RefreshError(
    'not-permitted',
    `statistics hold values of ${display(table)} (${left.join(', ')}), which has no rows any more`,
    {
      object: display(table),
      hint: 'give the table treatment exclude, or let its masked rows stay; then make a new fork',
    },
  );
}

/** One row that passes everything, in a table that is empty before and after. */
async function sampleNothing(session: Session, table: TableRef, columns: readonly Column[]): Promise<void> {
  const name = qualified(table);
  const constraints = await session.rows<{ name: string; definition: string }>(
    `select conname::text as name, pg_catalog.pg_get_constraintdef(oid) as definition from pg_catalog.pg_constraint
      where conrelid = $1::regclass and contype in ('c', 'f') and conparentid = 0 and coninhcount = 0`,
    [name],
  );
  const off = constraints.map((each) => `alter table ${name} drop constraint ${ident(each.name)}`);
  const on = constraints.map(
    (each) => `alter table ${name} add constraint ${ident(each.name)} ${each.definition}`,
  );
  const needed = columns.filter((column) => column.needed);
  const values: string[] = [];
  for (const { type } of needed) values.push(await anyValue(session, type));
  const row =
    needed.length === 0
      ? 'default values'
      : `(${needed.map((column) => ident(column.name)).join(', ')}) values (${values.join(', ')})`;
  await tried(
    session,
    [...off, `insert into ${name} ${row}`, `analyze ${name}`, `truncate only ${name}`, ...on].join(';\n'),
  );
}

async function anyValue(session: Session, type: string): Promise<string> {
  for (const text of [
    '',
    '0',
    '{}',
    '2000-01-01',
    '00:00',
    '127.0.0.1',
    '00000000-0000-0000-0000-000000000000',
  ]) {
    const value = `${literal(text)}::${type}`;
    if (await tried(session, `select ${value}`)) return value;
  }
  return `(pg_catalog.enum_range(null::${type}))[1]`;
}

/** Whether a statement was taken; the transaction around it goes on. */
async function tried(session: Session, statement: string): Promise<boolean> {
  await session.run('savepoint forgetting');
  try {
    await session.run(statement);
    return true;
  } catch (error) {
    if (session.lost) throw error;
    await session.run('rollback to savepoint forgetting');
    return false;
  }
}

/** Columns of which statistics hold values. */
async function known(session: Session, { schema, name }: TableRef): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `select distinct attname::text as name from pg_catalog.pg_stats
      where schemaname = $1 and tablename = $2
        and (most_common_vals is not null or histogram_bounds is not null or most_common_elems is not null)`,
    [schema, name],
  );
  return rows.map((row) => row.name);
}

const columnQuery = `
  select a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end as collation,
         a.attnotnull and not a.atthasdef and a.attidentity = '' as needed
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
   where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
   order by a.attnum`;
