import type { Catalog } from '../model/catalog.ts';
import { literal, quoteBody } from '../model/table.ts';
import { shareQuery } from './catalog.ts';
import type { Session } from './session.ts';

/** Gives each share of a foreign key in a copy the name that it has in production. */
export async function renameShares(copied: Session, catalog: Pick<Catalog, 'shares'>): Promise<void> {
  for (const statement of nameShares(catalog)) await copied.attempt(statement);
}

/**
 * SQL that gives each share of a foreign key in a copy the name that it has in production; nothing where the server names
 * them so by itself. All that have another one give it up first, since it may be another's.
 */
export function nameShares({ shares = [] }: Pick<Catalog, 'shares'>): string[] {
  if (shares.length === 0) return [];
  const wanted = shares.map(
    (share) => `(${[share.table, share.references, share.of, share.name].map(literal).join(', ')})`,
  );
  const rename = (from: string, to: string) =>
    `string_agg(format('alter table %s rename constraint %s to %s', place, ${from}, ${to}), ';')`;
  const body = `
declare away text; back text;
begin
  select ${rename('was', 'between_names')}, ${rename('between_names', 'name')} into away, back
    from (select here.table as place, here.name as was, wanted.name, 'staging_refresh_' || row_number() over () as between_names
            from (${shareQuery}) here
            join (values ${wanted.join(',\n    ')}) as wanted (place, refers, origin, name)
              on (here.table, here.references, here.of) = (wanted.place, wanted.refers, wanted.origin)
           where here.name <> wanted.name) as renamed;
  if away is not null then
    execute away;
    execute back;
  end if;
end`;
  return [`do ${quoteBody(body)}`];
}
