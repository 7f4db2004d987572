import type { LeftOut } from '../../model/plan.ts';
import type { ArchiveEntry } from '../../postgres/archive.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import { allDone } from '../../system/all-done.ts';

/** Production's schema in pg_dump's custom format. */
export interface SchemaArchive {
  readonly file: string;
  /** What stands before the rows, in order. */
  readonly preData: readonly ArchiveEntry[];
  /** What needs the rows, or would slow their loading. */
  readonly postData: readonly ArchiveEntry[];
  /** What staging’s role can't make, and so doesn't get. */
  readonly leftOut: readonly LeftOut[];
}

/** What the catalog knows and the archive's list does not tell. */
export interface Beyond {
  readonly superuser: boolean;
  /** Oids of publications FOR ALL TABLES. */
  readonly publications: readonly number[];
  readonly subscriptions: readonly string[];
  /** What pg_dump passes over in silence. */
  readonly passedOver: readonly LeftOut[];
}

/**
 * Indexes that a failed CREATE INDEX CONCURRENTLY has left; places; states that have no clause of their own in SQL. Their
 * reasons stand apart: not every database's encoding has the letters.
 */
const whatDumpsPassOver = `
  select 'invalid' as reason, format('INDEX %I.%I', n.nspname, c.relname) as object
    from pg_catalog.pg_index x join pg_catalog.pg_class c on c.oid = x.indexrelid and c.relkind = 'i'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where not (x.indisvalid and x.indisready) and n.nspname !~ '^pg_(toast|temp)'
  union all
  select 'elsewhere', format('TABLESPACE %s', spcname)
    from pg_catalog.pg_tablespace t
   where exists (select from pg_catalog.pg_class where reltablespace = t.oid and oid >= 16384)
  union all
  select distinct 'disabled', format('DISABLE TRIGGER of the foreign key %I on %s', k.conname, t.tgrelid::regclass)
    from pg_catalog.pg_trigger t join pg_catalog.pg_constraint k on k.oid = t.tgconstraint and k.contype = 'f'
   where t.tgisinternal and t.tgenabled <> 'O'
  union all
  select 'detaching', format('DETACH PARTITION %s CONCURRENTLY', inhrelid::regclass)
    from pg_catalog.pg_inherits where inhdetachpending
  union all
  select 'system', upper(i.type) || ' ' || i.identity
    from (select 'pg_proc'::regclass, oid, pronamespace from pg_catalog.pg_proc
          union all
          select 'pg_class'::regclass, oid, relnamespace from pg_catalog.pg_class
           where relkind in ('r', 'p', 'v', 'm', 'f', 'S')) as o (catalog, oid, schema),
         pg_catalog.pg_identify_object(o.catalog, o.oid, 0) i
   where o.schema in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and o.oid >= 16384
     and not exists (select from pg_catalog.pg_depend
                      where classid = o.catalog and objid = o.oid and deptype in ('e', 'i'))
  union all
  select 'everywhere', 'DROP SCHEMA public' where to_regnamespace('public') is null
  order by 2`;

const reasonsToPassOver = {
  invalid: 'it is invalid in production: drop it there, or REINDEX',
  elsewhere: 'what lies in it is in staging’s default one',
  disabled: 'only a superuser may: in staging the key is watched',
  system: 'it is in a schema of the server’s own',
  everywhere: 'a new database has one: in staging it is there, and empty',
  detaching: 'it has not come to its end in production: in staging the partition is attached',
};

export async function readBeyond(snapshot: Snapshot, superuser: boolean): Promise<Beyond> {
  const [publications, subscriptions, passedOver] = await allDone([
    snapshot.session.rows<{ oid: number }>('select oid from pg_catalog.pg_publication where puballtables'),
    snapshot.session.rows<{ name: string }>(
      `select subname::text as name from pg_catalog.pg_subscription
        where subdbid = (select oid from pg_catalog.pg_database where datname = current_database())`,
    ),
    snapshot.session.rows<{ reason: keyof typeof reasonsToPassOver; object: string }>(whatDumpsPassOver),
  ]);
  return {
    superuser,
    passedOver: passedOver.map(({ reason, object }) => ({ object, reason: reasonsToPassOver[reason] })),
    publications: publications.map((row) => row.oid),
    subscriptions: subscriptions.map((row) => row.name),
  };
}

/** Takes out of the two sections what staging must not have or can't make, and says so. */
export function chooseEntries(
  file: string,
  preData: readonly ArchiveEntry[],
  postData: readonly ArchiveEntry[],
  beyond: Beyond,
): SchemaArchive {
  const leftOut: LeftOut[] = beyond.subscriptions.map((name) => ({
    object: `SUBSCRIPTION ${name}`,
    reason: 'staging must not take part in replication',
  }));
  leftOut.push(...beyond.passedOver);
  const comments = new Set<string>();
  for (const entry of [...preData, ...postData]) {
    const reason = reasonAgainst(entry, beyond);
    if (reason === undefined) continue;
    leftOut.push({ object: `${entry.type} ${entry.rest}`, reason });
    // `- NAME OWNER` in the list has its comment under `- TYPE NAME OWNER`.
    comments.add(entry.rest.replace(/^- /, `- ${entry.type} `));
  }
  const keep = (entry: ArchiveEntry) => {
    // Extensions of a managed server belong to its superuser, who has commented on them already.
    if (entry.type === 'COMMENT') return !entry.rest.startsWith('- EXTENSION ') && !comments.has(entry.rest);
    return reasonAgainst(entry, beyond) === undefined;
  };
  return { file, preData: preData.filter(keep), postData: postData.filter(keep), leftOut };
}

/** Why staging does not get something of production's, if so (manual, the CREATE command of each). */
function reasonAgainst(entry: ArchiveEntry, beyond: Beyond): string | undefined {
  if (entry.type === 'USER MAPPING') return 'it holds a password for a server that staging must not reach';
  if (beyond.superuser) return undefined;
  if (entry.type === 'PUBLICATION' && beyond.publications.includes(entry.objectOid)) {
    return 'only a superuser may publish all tables';
  }
  return superuserOnly[entry.type];
}

const superuserOnly: Readonly<Record<string, string>> = {
  'EVENT TRIGGER': 'only a superuser may create event triggers',
  'FOREIGN DATA WRAPPER': 'only a superuser may create foreign-data wrappers',
  'ACCESS METHOD': 'only a superuser may create access methods',
  'PROCEDURAL LANGUAGE': 'only a superuser may create procedural languages',
  'PUBLICATION TABLES IN SCHEMA': 'only a superuser may publish all tables of a schema',
};

/** The archive without the extensions that could not be created. */
export function withoutExtensions(archive: SchemaArchive, names: ReadonlySet<string>): SchemaArchive {
  const keep = ({ type, rest }: ArchiveEntry) =>
    type !== 'EXTENSION' || !names.has(rest.slice('- '.length).trim());
  return { ...archive, preData: archive.preData.filter(keep) };
}
