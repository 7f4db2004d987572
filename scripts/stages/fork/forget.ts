import { RefreshError } from '../../model/errors.ts';
import type { Plan } from '../../model/plan.ts';
import type { ForkRun } from '../../model/run.ts';
import { display, ident, literal, qualified, type TableRef } from '../../model/table.ts';
import { userSchema } from '../../postgres/catalog.ts';
import type { Session } from '../../postgres/session.ts';
import { done, journalSchema, readDone } from './journal.ts';

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
  const touched = plan.tables
    .filter(({ table, treatment }) => treatment !== 'copy' || changed.has(table.oid))
    .map(({ table }) => table);
  // What a table has of its partitions or of what inherits from it lies in statistics of its own.
  const above = await session.rows<TableRef>(aboveQuery);
  const subjects = [
    ...touched.map((table) => ({ table, only: 'only ' })),
    ...above.map((table) => ({ table, only: '' })),
  ];
  for (const { table, only } of subjects) {
    run.signal.throwIfAborted();
    const step = `forget ${only}${display(table)}`;
    if (finished.has(step)) continue;
    await session.run('begin');
    try {
      if (await isEmpty(session, `${only}${qualified(table)}`)) await forget(session, table, only);
      await session.run(`${done(step)}; commit`);
    } catch (error) {
      if (!session.lost) await session.run('rollback');
      throw error;
    }
  }
}

/** @throws RefreshError `not-permitted` for a materialized view whose last rows went: nothing takes its statistics away. */
export async function requireForgotten(session: Session, { catalog }: Plan): Promise<void> {
  for (const view of catalog.tables.filter(({ kind }) => kind === 'm')) {
    const left = await known(session, view);
    if (left.length > 0 && (await isEmpty(session, qualified(view)))) throw stillKnown(view, left);
  }
}

async function isEmpty(session: Session, rows: string): Promise<boolean> {
  const { empty } = await session.row<{ empty: boolean }>(`select not exists (select from ${rows}) as empty`);
  return empty;
}

async function forget(session: Session, table: TableRef, only: string): Promise<void> {
  if ((await known(session, table)).length === 0) return;
  const columns = await session.rows<Column>(columnQuery, [qualified(table)]);
  for (const { name, type, collation } of columns) {
    const collate = collation === null ? '' : ` collate ${collation}`;
    const statement = `alter table ${only}${qualified(table)} alter column ${ident(name)} type ${type}${collate}`;
    await tried(session, () => session.run(statement));
  }
  if ((await known(session, table)).length === 0) return;
  await sampleNothing(session, table, columns, only);
  const left = await known(session, table);
  if (left.length > 0) throw stillKnown(table, left);
}

function stillKnown(table: TableRef, columns: readonly string[]): RefreshError {
  return new RefreshError(
    'not-permitted',
    `statistics hold values of ${display(table)} (${columns.join(', ')}), which has no rows any more`,
    {
      object: display(table),
      hint: 'give the table, or those that the view reads, treatment exclude, or let masked rows stay; then make a new fork',
    },
  );
}

/** One row that passes everything, in a table that is empty before and after. */
async function sampleNothing(
  session: Session,
  table: TableRef,
  columns: readonly Column[],
  only: string,
): Promise<void> {
  const name = qualified(table);
  const places = await session.rows<Place>(placeQuery, [name, `${ident(journalSchema)}.nothing`]);
  const needed = columns.filter((column) => column.needed);
  const values: string[] = [];
  for (const { type } of needed) values.push(await anyValue(session, type));
  const row =
    needed.length === 0
      ? 'default values'
      : `(${needed.map((column) => ident(column.name)).join(', ')}) values (${values.join(', ')})`;
  await tried(session, async () => {
    for (const { make } of places) await session.run(make);
    // Those of a partition are its own now.
    const constraints = await session.rows<{ name: string; definition: string }>(constraintQuery, [name]);
    const statements = [
      ...constraints.map((each) => `alter table ${name} drop constraint ${ident(each.name)}`),
      `insert into ${name} ${row}`,
      `analyze ${name}`,
      `truncate ${only}${name}`,
      ...constraints.map(
        (each) => `alter table ${name} add constraint ${ident(each.name)} ${each.definition}`,
      ),
      ...places.map(({ unmake }) => unmake).reverse(),
    ];
    await session.run(statements.join(';\n'));
  });
}

const constraintQuery = `
  select conname::text as name, pg_catalog.pg_get_constraintdef(oid) as definition from pg_catalog.pg_constraint
   where conrelid = $1::regclass and contype in ('c', 'f') and conparentid = 0 and coninhcount = 0`;

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
    if (await tried(session, () => session.run(`select ${value}`))) return value;
  }
  return `(pg_catalog.enum_range(null::${type}))[1]`;
}

/** Whether all of it was taken; the transaction around it goes on. */
async function tried(session: Session, work: () => Promise<unknown>): Promise<boolean> {
  await session.run('savepoint forgetting');
  try {
    await work();
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

/** Partitioned tables and what others inherit from, the lowest first: some of theirs may be no more. */
const aboveQuery = `
  with recursive above (oid, level) as (
    select inhparent, 1 from pg_catalog.pg_inherits
     union
    select i.inhparent, level + 1 from above join pg_catalog.pg_inherits i on i.inhrelid = above.oid
  )
  select n.nspname::text as schema, c.relname::text as name
    from above join pg_catalog.pg_class c on c.oid = above.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and ${userSchema}
   group by c.oid, 1, 2 order by max(level), 1, 2`;

/** What lets a partitioned table take any row, and what undoes that. */
interface Place {
  readonly make: string;
  readonly unmake: string;
}

/** A partition takes only its own rows; a partitioned table only those for which it has a partition. */
const placeQuery = `
  select format('alter table %s detach partition %s', i.inhparent::regclass, c.oid::regclass) as make,
         format('alter table %s attach partition %s %s', i.inhparent::regclass, c.oid::regclass,
                pg_catalog.pg_get_expr(c.relpartbound, c.oid)) as unmake
    from pg_catalog.pg_class c join pg_catalog.pg_inherits i on i.inhrelid = c.oid
   where c.oid = $1::regclass and c.relispartition
   union all
  select format('create table %s partition of %s default', $2::text, partrelid::regclass),
         format('drop table %s', $2::text)
    from pg_catalog.pg_partitioned_table where partrelid = $1::regclass and partstrat <> 'h' and partdefid = 0`;

const columnQuery = `
  select a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end as collation,
         a.attnotnull and not a.atthasdef and a.attidentity = '' as needed
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
   where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
   order by a.attnum`;
