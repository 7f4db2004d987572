import type { ArtifactIndex } from '../../artifact/index-schema.ts';
import type { Arrival } from '../../model/arrival.ts';
import type { DatabaseFacts } from '../../model/servers.ts';
import { type ArchiveEntry, parseArchiveList } from '../../postgres/archive.ts';
import type { Session } from '../../postgres/session.ts';
import { countMade } from './locks.ts';

/** What would come from production. */
export async function readArrival(
  production: Session,
  { encoding, locale }: Pick<DatabaseFacts, 'encoding' | 'locale'>,
): Promise<Arrival> {
  const extensions = await production.rows<{ name: string; schema: string }>(
    `select e.extname::text as name, n.nspname::text as schema
       from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace`,
  );
  const forced = await production.rows<{ name: string }>(
    `select oid::regclass::text as name from pg_catalog.pg_class
      where relrowsecurity and relforcerowsecurity order by 1`,
  );
  const names = forced.map(({ name }) => name);
  return { encoding, locale, extensions, forced: names, locks: await countMade(production) };
}

/** What would come from an artifact. @param definitions pg_restore's script of all that it makes. */
export function arrivalOfArtifact(
  { locale, catalog, archive }: Pick<ArtifactIndex, 'locale' | 'catalog' | 'archive'>,
  definitions: string,
): Arrival {
  const entries = parseArchiveList([...archive.preData, ...archive.postData].join('\n'));
  const forced = definitions.matchAll(/^ALTER TABLE ONLY (.+) FORCE ROW LEVEL SECURITY;$/gm);
  return {
    encoding: /^encoding '([^']+)'/.exec(locale)?.[1] ?? null,
    locale,
    extensions: catalog.extensions,
    forced: [...forced].map(([, table = '']) => table),
    locks: entries.reduce((sum, entry) => sum + locksOf(entry), catalog.largeObjects.length),
  };
}

/** As countMade() counts them: a table has a TOAST table and its index, a range has a multirange. */
function locksOf({ type }: ArchiveEntry): number {
  if (type === 'TABLE' || type === 'MATERIALIZED VIEW') return 3;
  if (type === 'TYPE') return 2;
  return singleLock.has(type) ? 1 : 0;
}

const singleLock = new Set([
  'AGGREGATE',
  'COLLATION',
  'CONSTRAINT',
  'DOMAIN',
  'FOREIGN TABLE',
  'FUNCTION',
  'INDEX',
  'OPERATOR',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'PROCEDURE',
  'SCHEMA',
  'SEQUENCE',
  'STATISTICS',
  'TEXT SEARCH CONFIGURATION',
  'VIEW',
]);
