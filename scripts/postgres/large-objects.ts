import { ident, literal } from '../model/table.ts';
import { allDone } from '../system/all-done.ts';
import { inBatches } from '../system/batches.ts';
import type { Session } from './session.ts';

/** Bytes of a large object that travel as one value; lo_get() and lo_put() take any offset. */
const pageBytes = 1024 * 1024;

/** Every large object's oid, in order. */
export async function listLargeObjects(session: Session): Promise<number[]> {
  const rows = await session.rows<{ oid: number }>(
    'select oid from pg_catalog.pg_largeobject_metadata order by oid',
  );
  return rows.map((row) => row.oid);
}

/**
 * As many as one statement may have: each holds a lock until its transaction ends (manual, max_locks_per_transaction). One
 * size for all, so that a restore finds the batches that were written.
 */
export function largeObjectBatches(oids: readonly number[]): number[][] {
  return inBatches(oids, 500);
}

/**
 * The pages of some large objects as rows (lo, page, data). Pages are asked for until one is short, so nothing stays
 * open in the transaction, and an object may be larger than a value.
 */
function pagesOf(oids: readonly number[]): string {
  return `
    select wanted.lo, pages.page, pages.data
      from unnest('{${oids.join(',')}}'::oid[]) as wanted (lo), lateral (
        with recursive pages (page, data) as (
          select 0, pg_catalog.lo_get(wanted.lo, 0, ${pageBytes})
          union all
          select page + 1, pg_catalog.lo_get(wanted.lo, (page + 1)::int8 * ${pageBytes}, ${pageBytes})
            from pages where length(data) = ${pageBytes}
        ) select page, data from pages where length(data) > 0
      ) as pages`;
}

export function copyLargeObjectsOut(oids: readonly number[]): string {
  return `copy (${pagesOf(oids)}) to stdout`;
}

/** Makes the same large objects here: pg_largeobject itself is a superuser's, so pages wait in a temporary table. */
export function copyLargeObjectsIn(oids: readonly number[]): string[] {
  return [
    pageTable,
    `select pg_catalog.lo_create(lo) from unnest('{${oids.join(',')}}'::oid[]) as wanted (lo)`,
    'copy pg_temp.large_object_page from stdin',
    `select pg_catalog.lo_put(lo, page::int8 * ${pageBytes}, data) from pg_temp.large_object_page`,
    // Where other batches follow in the same transaction.
    'truncate pg_temp.large_object_page',
  ];
}

const pageTable =
  'create temporary table if not exists large_object_page (lo oid, page int, data bytea) on commit delete rows';

/** Pages as a piece of plain SQL; the objects themselves have to be there. */
export const largeObjectPages = {
  head: `begin;\n${pageTable};\ncopy pg_temp.large_object_page from stdin;\n`,
  tail: `\\.\ndo $$ begin perform pg_catalog.lo_put(lo, page::int8 * ${pageBytes}, data) from pg_temp.large_object_page; end $$;\ncommit;\n`,
};

/** Makes the objects, empty. */
export function createLargeObjects(oids: readonly number[]): string {
  return `do $$ begin perform pg_catalog.lo_create(lo) from unnest('{${oids.join(',')}}'::oid[]) as wanted (lo); end $$`;
}

/** A value that is the same on both servers exactly when these objects are, sizes and contents. */
export async function fingerprintLargeObjects(session: Session, oids: readonly number[]): Promise<string> {
  const { fingerprint } = await session.row<{ fingerprint: string }>(
    `select count(*) || ' ' || coalesce(sum(hashtextextended(lo || ':' || page || ':' || md5(data), 0)::numeric), 0)
       as fingerprint from (${pagesOf(oids)}) as page`,
  );
  return fingerprint;
}

/** Comments on large objects and privileges on them. */
export interface LargeObjectNotes {
  readonly comments: readonly { readonly oid: number; readonly comment: string }[];
  readonly grants: readonly {
    readonly oid: number;
    /** null for PUBLIC. */
    readonly grantee: string | null;
    readonly privilege: string;
    readonly grantable: boolean;
  }[];
  /** What an owner has taken from itself. Old artifacts lack it. */
  readonly revokes?: readonly { readonly oid: number; readonly owner: string; readonly privilege: string }[];
}

export const noLargeObjects: LargeObjectNotes = { comments: [], grants: [] };

export async function readLargeObjectNotes(session: Session): Promise<LargeObjectNotes> {
  const comments = session.rows<LargeObjectNotes['comments'][number]>(
    `select objoid as oid, description as comment from pg_catalog.pg_description
      where classoid = 'pg_catalog.pg_largeobject'::regclass`,
  );
  const grants = session.rows<LargeObjectNotes['grants'][number]>(
    `select l.oid, case a.grantee when 0 then null else pg_catalog.pg_get_userbyid(a.grantee)::text end as grantee,
            a.privilege_type as privilege, a.is_grantable as grantable
       from pg_catalog.pg_largeobject_metadata l, pg_catalog.aclexplode(l.lomacl) a where a.grantee <> l.lomowner`,
  );
  const revokes = session.rows<NonNullable<LargeObjectNotes['revokes']>[number]>(
    `select l.oid, pg_catalog.pg_get_userbyid(l.lomowner)::text as owner, given.privilege
       from pg_catalog.pg_largeobject_metadata l, unnest(array['SELECT', 'UPDATE']) as given (privilege)
      where l.lomacl is not null
        and not exists (select from pg_catalog.aclexplode(l.lomacl) a
                         where a.grantee = l.lomowner and a.privilege_type = given.privilege)`,
  );
  const [said, granted, revoked] = await allDone([comments, grants, revokes]);
  return { comments: said, grants: granted, revokes: revoked };
}

/** COMMENT, GRANT and REVOKE statements of production's large objects; `roleOf` as in readdressPrivileges. */
export function describeLargeObjects(
  { comments, grants, revokes = [] }: LargeObjectNotes,
  roleOf: (role: string) => string | undefined,
): string[] {
  return [
    ...comments.map(({ oid, comment }) => `comment on large object ${oid} is ${literal(comment)}`),
    ...grants.flatMap(({ oid, grantee, privilege, grantable }) => {
      const role = grantee === null ? 'public' : roleOf(grantee);
      if (role === undefined) return [];
      const to = grantee === null ? role : ident(role);
      return `grant ${privilege} on large object ${oid} to ${to}${grantable ? ' with grant option' : ''}`;
    }),
    ...revokes.flatMap(({ oid, owner, privilege }) => {
      const role = roleOf(owner);
      return role === undefined ? [] : `revoke ${privilege} on large object ${oid} from ${ident(role)}`;
    }),
  ];
}
