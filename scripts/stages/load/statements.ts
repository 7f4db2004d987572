import type { ForeignKey, Index, Table } from '../../model/catalog.ts';
import type { Part, PlannedTable } from '../../model/plan.ts';
import { ident, qualified, type TableRef } from '../../model/table.ts';
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

export function validateForeignKey(key: ForeignKey, table: TableRef): string {
  return `alter table ${qualified(table)} validate constraint ${ident(key.name)}`;
}

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
