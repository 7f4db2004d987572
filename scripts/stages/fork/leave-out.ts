import type { PlannedTable } from '../../model/plan.ts';
import { display, ident, qualified } from '../../model/table.ts';
import { journalSchema, type Step } from './journal.ts';

/**
 * Writes down by their places which rows go and which lose a reference, while nothing has changed yet: what one table
 * keeps depends on what others hold in clear.
 */
export function listRows(planned: PlannedTable): Step[] {
  const { table, subset } = planned;
  if (!subset || (subset.where === null && subset.setNull.size === 0)) return [];
  const list = nameOf(planned);
  const goes = subset.where === null ? 'false' : `(${subset.where}) is not true`;
  const losses = [...subset.setNull.values()].map((condition) => `(${condition}) is not true`);
  const flags = losses.map((loss, index) => `, ${loss} as loses${index}`).join('');
  return [
    {
      name: `list ${display(table)}`,
      statements: [
        `create table ${list} as select ctid as place, ${goes} as goes${flags} from only ${qualified(table)} where ${[goes, ...losses].join(' or ')}`,
        `analyze ${list}`,
      ],
      weight: table.bytes,
    },
  ];
}

/** Takes those rows and references away. */
export function removeRows(planned: PlannedTable): Step[] {
  const { table, subset } = planned;
  if (listRows(planned).length === 0 || !subset) return [];
  const list = nameOf(planned);
  const name = qualified(table);
  const columns = [...subset.setNull.keys()];
  const unlink = columns.map(
    (column, index) =>
      `${ident(column)} = case when listed.loses${index} then null else t.${ident(column)} end`,
  );
  return [
    {
      name: `leave out of ${display(table)}`,
      statements: [
        `with gone as (delete from only ${name} as t using ${list} as listed where listed.goes and t.ctid = listed.place returning 1)
         update ${ident(journalSchema)}.counted set gone = (select count(*) from gone) where relation = ${table.oid}`,
        ...(unlink.length === 0
          ? []
          : [
              `update only ${name} as t set ${unlink.join(', ')} from ${list} as listed where not listed.goes and t.ctid = listed.place`,
            ]),
        `drop table ${list}`,
      ],
      weight: table.bytes,
    },
  ];
}

function nameOf({ table }: PlannedTable): string {
  return `${ident(journalSchema)}.${ident(`rows_${table.oid}`)}`;
}
