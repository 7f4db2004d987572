import type { Plan } from '../../model/plan.ts';
import { type ArchiveEntry, parseArchiveList } from '../../postgres/archive.ts';
import { runTool, type ServerTools } from '../../postgres/server-tools.ts';
import { bareEnvironment } from './access.ts';

/** What an archive has that stands before the rows, and what comes after them. */
export interface Sections {
  readonly preData: readonly ArchiveEntry[];
  readonly postData: readonly ArchiveEntry[];
}

/** Reads an archive's lists. */
export async function readSections(tools: ServerTools, file: string): Promise<Sections> {
  const list = async (...section: string[]) => {
    const { stdout } = await runTool(tools, 'pg_restore', ['--list', ...section, file], bareEnvironment());
    return parseArchiveList(stdout);
  };
  // One after the other: of 10,000 tables each takes 33 MB.
  const preData = await list('--section=pre-data');
  const postData = await list('--section=post-data');
  if (!postData.some(({ type }) => late.has(type))) return { preData, postData };
  return inDumpOrder({ preData, postData }, await list());
}

/**
 * Puts before the rows whatever comes before them in the archive's own order. A function whose body groups by a primary
 * key is made after that key, in the later section, and what depends on it (a view, a table's default, an index) after it,
 * in whichever section: so what stands up to there is made first, a few keys and indexes included.
 */
function inDumpOrder({ preData, postData }: Sections, all: readonly ArchiveEntry[]): Sections {
  const [before, after] = [preData, postData].map((entries) => new Set(entries.map(({ dumpId }) => dumpId)));
  const entries = all.filter(({ dumpId }) => before?.has(dumpId) || after?.has(dumpId));
  const last = entries.findLastIndex(({ dumpId, type }) => before?.has(dumpId) || routines.has(type));
  return { preData: entries.slice(0, last + 1), postData: entries.slice(last + 1) };
}

/** The plan without the indexes that stand before the rows already. */
export function withoutMade<SomePlan extends Plan>(planned: SomePlan, { preData }: Sections): SomePlan {
  const made = new Set(
    preData.flatMap(({ type, objectOid }) => (type === 'INDEX' || type === 'CONSTRAINT' ? objectOid : [])),
  );
  if (made.size === 0) return planned;
  const indexes = planned.catalog.indexes.filter(
    ({ oid, constraint }) => !made.has(oid) && !(constraint && made.has(constraint.oid)),
  );
  return { ...planned, catalog: { ...planned.catalog, indexes } };
}

const routines = new Set(['FUNCTION', 'PROCEDURE', 'AGGREGATE']);
/** Types that are there before the rows unless something holds them back. */
const late = new Set([...routines, 'VIEW', 'MATERIALIZED VIEW']);
