import type { ForeignKey, Index, Table } from '../../model/catalog.ts';
import type { Part, PlannedTable } from '../../model/plan.ts';
import { ident, literal, qualified, type TableRef } from '../../model/table.ts';
import type { CopyFormat } from '../../postgres/row-source.ts';

/**
 * `COPY table TO STDOUT` for a whole table as it is: like ONLY it leaves out children, and it spares the executor.
 * Else `COPY (SELECT …) TO STDOUT`: for one range of the table's blocks a TID range scan (PostgreSQL 14 and newer). Masks
 * and the policy's condition are evaluated by production, so what it does not send never leaves it.
 */
export function copyOut({ table, masks, where }: PlannedTable, part: Part, format: CopyFormat): string {
  const conditions = [
    part.from === null ? '' : `ctid >= '(${part.from},0)'`,
    part.to === null ? '' : `ctid < '(${part.to},0)'`,
    where === null ? '' : `(${where})`,
  ].filter((condition) => condition !== '');
  if (masks.size === 0 && conditions.length === 0) {
    return `copy ${qualified(table)}${columnList(table)} to stdout${options(table, format)}`;
  }
  const columns = table.columns.map((column) => masks.get(column) ?? ident(column)).join(', ');
  const filter = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  return `copy (select ${columns} from only ${qualified(table)}${filter}) to stdout${options(table, format)}`;
}

/**
 * `COPY table (columns) FROM STDIN`. Rows of a partition that may belong to another one here go in through the
 * partitioned table, which routes them.
 */
export function copyIn(table: Table, format: CopyFormat, freeze = false): string {
  return `copy ${qualified(table.loadThrough ?? table)}${columnList(table)} from stdin${options(table, format, freeze)}`;
}

/** The index by itself, then as the constraint that it backs; what can't take a ready-made index is made whole. */
export function createIndex(index: Index): string | undefined {
  return buildsItsOwnIndex(index) ? undefined : index.definition;
}

/** Everything that a table's index still needs once it is built. */
export function attachIndex(index: Index, table: TableRef): string[] {
  const { constraint } = index;
  if (!constraint) return [...index.marks];
  const add = `alter table only ${qualified(table)} add constraint ${ident(constraint.name)}`;
  if (buildsItsOwnIndex(index)) return [`${add} ${constraint.definition}`, ...index.marks];
  const kind = constraint.kind === 'p' ? 'primary key' : 'unique';
  const deferrable = constraint.deferrable ? ' deferrable' : '';
  const deferred = constraint.deferred ? ' initially deferred' : '';
  return [`${add} ${kind} using index ${ident(index.name)}${deferrable}${deferred}`, ...index.marks];
}

/**
 * Without a look at the rows, which `validateForeignKey` takes: production has them checked.
 *
 * @param check looks at them at once.
 */
export function addForeignKey(key: ForeignKey, table: Table, check = false): string {
  const unchecked = key.validated && !check ? ' not valid' : '';
  const only = table.kind === 'p' ? '' : 'only ';
  return `alter table ${only}${qualified(table)} add constraint ${ident(key.name)} ${key.definition}${unchecked}`;
}

/**
 * The check joins both tables (ri_triggers.c, RI_Initial_Check), and the planner takes a hash join, whose probes miss the
 * processor's caches: where both keys have an index whose rows are all visible, merging the two takes a third to an
 * eighth of the CPU time.
 */
export function validateForeignKey(key: ForeignKey, table: TableRef): string {
  const merged = `select set_config('enable_hashjoin', 'off', true)
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  join pg_catalog.pg_class r on r.oid = k.confrelid
 where k.conrelid = ${literal(qualified(table))}::regclass and k.conname = ${literal(key.name)}
   and least(c.relallvisible - 0.9 * c.relpages, r.relallvisible - 0.9 * r.relpages) >= 0
   and exists (select from pg_catalog.pg_index x
                 join pg_catalog.pg_class i on i.oid = x.indexrelid
                 join pg_catalog.pg_am a on a.oid = i.relam
                where x.indrelid = c.oid and x.indisvalid and x.indpred is null and a.amname = 'btree'
                  and (x.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)`;
  const validate = `alter table ${qualified(table)} validate constraint ${ident(key.name)}`;
  return [merged, validate, 'set local enable_hashjoin to default'].join(';\n');
}

/**
 * Values too long for a row are compressed with lz4 where the server has it and nobody chose otherwise: half the CPU time
 * of a table of documents. A column with a method of its own keeps it.
 */
export const compressQuickly = `select set_config(name, 'lz4', true) from pg_catalog.pg_settings
 where name = 'default_toast_compression' and source = 'default' and 'lz4' = any (enumvals)`;

/** Exclusion constraints and WITHOUT OVERLAPS keys have no USING INDEX form (manual, ALTER TABLE). */
function buildsItsOwnIndex(index: Index): boolean {
  return index.constraint?.kind === 'x' || /without overlaps/i.test(index.constraint?.definition ?? '');
}

/**
 * Text is what COPY takes by itself. Both databases have the same encoding, and it is said: a conversion to UTF8 and back would refuse what has no place in
 * Unicode, and in a SQL_ASCII database whatever is not UTF8 by chance.
 */
function options({ encoding }: Table, format: CopyFormat, freeze = false): string {
  const chosen = [
    ...(format === 'binary' ? ['format binary'] : []),
    ...(freeze ? ['freeze'] : []),
    ...(encoding ? [`encoding '${encoding}'`] : []),
  ];
  return chosen.length > 0 ? ` (${chosen.join(', ')})` : '';
}

/** A table without columns has rows too, and no list. */
function columnList(table: Table): string {
  return table.columns.length > 0 ? ` (${table.columns.map(ident).join(', ')})` : '';
}
