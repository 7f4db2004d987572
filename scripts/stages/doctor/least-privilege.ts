import { ident, literal } from '../../model/table.ts';
import { userSchema } from '../../postgres/catalog.ts';
import type { Session } from '../../postgres/session.ts';
import { ok, type Verdict, warning } from './finding.ts';

/**
 * SQL that makes the role for PRODUCTION_DB_URL; the password is to be filled in. Since PostgreSQL 16 an administrator
 * who is no superuser may grant pg_read_all_data only with the ADMIN option on it; the tables' owners can do without.
 */
export async function readerSql(
  session: Session,
  database: string,
  role = 'refresh_reader',
): Promise<string> {
  const reader = ident(role);
  const owned = await session.rows<{ schema: string; owner: string }>(ownersQuery);
  return [
    '-- as the administrator (doadmin):',
    `CREATE ROLE ${reader} LOGIN PASSWORD ${literal('…')};`,
    `ALTER ROLE ${reader} SET default_transaction_read_only = on;`,
    `ALTER ROLE ${reader} BYPASSRLS;  -- only where tables have row level security`,
    `GRANT CONNECT ON DATABASE ${ident(database)} TO ${reader};`,
    `GRANT pg_read_all_data TO ${reader};`,
    '-- where that last one is refused, as the owner of the tables:',
    ...owned.flatMap(({ schema, owner }) => [
      `GRANT USAGE ON SCHEMA ${ident(schema)} TO ${reader};`,
      `GRANT SELECT ON ALL TABLES IN SCHEMA ${ident(schema)} TO ${reader};`,
      `GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${ident(schema)} TO ${reader};`,
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${ident(owner)} IN SCHEMA ${ident(schema)} GRANT SELECT ON TABLES TO ${reader};`,
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${ident(owner)} IN SCHEMA ${ident(schema)} GRANT SELECT ON SEQUENCES TO ${reader};`,
    ]),
  ].join('\n');
}

const ownersQuery = `
  select distinct n.nspname::text as schema, pg_catalog.pg_get_userbyid(c.relowner)::text as owner
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'S', 'm') and ${userSchema}
   order by 1, 2`;

/** Whether production's role could do more than read. A refresh never does, but a leaked URL might. */
export async function judgeReader(session: Session, user: string, database: string): Promise<Verdict> {
  const { powers } = await session.row<{ powers: string[] }>(powersQuery);
  if (powers.length === 0) return ok(`production: ${user} can read everything and write nothing`);
  return warning(
    `production: ${user} can do more than read: ${powers.join(', ')}`,
    `make a role that only reads and put it into PRODUCTION_DB_URL:\n${await readerSql(session, database)}`,
  );
}

const powersQuery = `
  select array_remove(array[
           case when r.rolsuper then 'superuser' end,
           case when r.rolcreatedb then 'create databases' end,
           case when r.rolcreaterole then 'create roles' end,
           case when r.rolreplication then 'replicate' end,
           (select 'write to ' || count(*) || ' tables' from pg_catalog.pg_class c
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and ${userSchema}
               and pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
            having count(*) > 0)
         ], null) as powers
    from pg_catalog.pg_roles r where r.rolname = current_user`;
