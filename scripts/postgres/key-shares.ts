import { allDone } from '../system/all-done.ts';
import { userSchema } from './catalog.ts';
import type { Session } from './session.ts';

/**
 * What a partition has of its partitioned table's foreign key, or a key has of one partition that it refers to. PostgreSQL
 * makes and names it by itself, counting up where a name is taken, and no dump tells what it is called.
 */
interface Share {
  /** Quoted where needed, as are the others. */
  readonly table: string;
  readonly references: string;
  /** The key that somebody has made: its table and its name. */
  readonly of: string;
  readonly name: string;
}

/** Gives each share of a foreign key in the copy the name that it has in production. */
export async function nameShares(production: Session, copied: Session): Promise<void> {
  const [there, here] = await allDone([production.rows<Share>(shareQuery), copied.rows<Share>(shareQuery)]);
  const statements = renameShares(there, here);
  if (statements.length > 0) await copied.attempt(statements.join(';\n'));
}

/** Statements that rename; first all that are in the wrong place, since one may have another's name. */
export function renameShares(there: readonly Share[], here: readonly Share[]): string[] {
  const wanted = uniqueShares(there);
  const renamed = [...uniqueShares(here)].flatMap(([key, { table, name }]) => {
    const to = wanted.get(key)?.name;
    return to === undefined || to === name ? [] : { table, name, to };
  });
  const rename = (table: string, from: string, to: string) =>
    `alter table ${table} rename constraint ${from} to ${to}`;
  return [
    ...renamed.map(({ table, name }, number) => rename(table, name, `staging_refresh_${number}`)),
    ...renamed.map(({ table, to }, number) => rename(table, `staging_refresh_${number}`, to)),
  ];
}

function uniqueShares(shares: readonly Share[]): Map<string, Share> {
  const byKey = Map.groupBy(shares, ({ table, references, of }) => `${table} ${references} ${of}`);
  return new Map(
    [...byKey].flatMap(([key, [share, ...more]]) => (share && more.length === 0 ? [[key, share]] : [])),
  );
}

const shareQuery = `
  with recursive share (oid, root) as (
    select oid, oid from pg_catalog.pg_constraint where contype = 'f' and conparentid = 0
    union all
    select k.oid, share.root from share join pg_catalog.pg_constraint k on k.conparentid = share.oid
  ), relation (oid, name) as (
    select c.oid, format('%I.%I', n.nspname, c.relname)
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where ${userSchema}
  )
  select t.name as table, r.name as references, format('%s %I', m.name, root.conname) as of, quote_ident(k.conname) as name
    from share
    join pg_catalog.pg_constraint k on k.oid = share.oid and k.oid <> share.root
    join pg_catalog.pg_constraint root on root.oid = share.root
    join relation t on t.oid = k.conrelid
    join relation r on r.oid = k.confrelid
    join relation m on m.oid = root.conrelid`;
