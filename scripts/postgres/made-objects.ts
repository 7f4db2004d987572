import { counted } from '../model/figures.ts';
import { ofExtension, userSchema } from './catalog.ts';
import type { Session } from './session.ts';

/**
 * Extensions, schemas, tables and views of a database, as JSON: of many tables one text takes far less memory than their
 * rows.
 */
export async function readMade(session: Session): Promise<string> {
  return (await session.row<{ made: string }>(madeQuery)).made;
}

/** Whether the database has any table of its own. */
export async function hasTables(session: Session): Promise<boolean> {
  return parse(await readMade(session)).some(({ kind }) => kind === 'table');
}

/** What is in the first and not in the second, in words with the first few names; `''` where nothing is. */
export function onlyIn(first: string, second: string): string {
  const has = new Set(parse(second).map(({ kind, name }) => `${kind} ${name}`));
  const missing = parse(first).filter(({ kind, name, root }) => !has.has(`${kind} ${root ?? name}`));
  return [...Map.groupBy(missing, ({ kind }) => kind)]
    .map(([kind, all]) => {
      const names = all.slice(0, namesTold).map(({ name }) => name);
      return `${counted(all.length, kind)} (${[...names, ...(all.length > namesTold ? ['…'] : [])].join(', ')})`;
    })
    .join(', ');
}

const namesTold = 5;

interface Made {
  readonly kind: string;
  /** Schema and name, quoted where needed. */
  readonly name: string;
  /** Of a partition the table that it is a part of: partitions come and go by the clock. */
  readonly root: string | null;
}

function parse(made: string): Made[] {
  return JSON.parse(made) as Made[];
}

const madeQuery = `
  select coalesce(json_agg(o order by o.kind, o.name), '[]')::text as made from (
    select 'extension' as kind, quote_ident(extname) as name, null as root from pg_catalog.pg_extension
    union all
    select 'schema', quote_ident(n.nspname), null from pg_catalog.pg_namespace n
     where ${userSchema} and not ${ofExtension('pg_namespace', 'n.oid')}
    union all
    select case when c.relkind in ('v', 'm') then 'view' else 'table' end, format('%I.%I', n.nspname, c.relname),
           case when c.relispartition then pg_catalog.pg_partition_root(c.oid)::regclass::text end
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f', 'v', 'm') and c.relpersistence <> 't' and ${userSchema}
       and not ${ofExtension('pg_class', 'c.oid')}) o`;
