import type { Table } from '../../model/catalog.ts';
import type { LeftOut, Plan } from '../../model/plan.ts';
import { type ArtifactContent, laterOids } from '../../stages/artifact.ts';
import type { SchemaArchive } from '../../stages/schema/choice.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { definitionsAroundRows } from '../../stages/schema.ts';
import { withoutPlanned } from '../../stages/verify.ts';
import type { BesideRows } from './beside-rows.ts';
import { type FullArtifact, planFullArtifact } from './full-artifact.ts';
import type { Making } from './making.ts';

/** What goes into the artifact; nothing where none is wanted. */
export async function planArtifact(
  { run, checked, snapshot, standstill, planned, origin, site, destination }: Making,
  archive: SchemaArchive,
  { views, ownership, constraints }: BesideRows,
): Promise<{ readonly content: ArtifactContent | undefined; readonly full: FullArtifact | undefined }> {
  const copied: ArtifactContent | undefined = run.config.artifact && {
    content: 'copied',
    production: checked.servers.production,
    plan: planned,
    views,
    origin,
    searchPath: site.next.searchPath,
    definitions: definitionsAroundRows(
      destination,
      archive,
      keysOfPartitions(planned.catalog),
      laterOids(planned),
    ),
    archive,
    ownership,
    constraints: withoutPlanned(planned, constraints),
  };
  if (copied === undefined || run.config.artifact?.content !== 'full')
    return { content: copied, full: undefined };
  // No row is copied yet: production's definitions are read once more for it, and may have changed.
  const full = await standstill.still(planFullArtifact(run, checked, snapshot, planned, copied));
  return { content: full?.content ?? copied, full };
}

/** The content as the copy turned out: its views in the order they could be filled in, and what was left out on the way. */
export function asMade(
  content: ArtifactContent,
  { catalog }: Plan,
  filled: readonly Table[],
  leftOut: readonly LeftOut[],
): ArtifactContent {
  const place = new Map(filled.map(({ oid }, index) => [oid, index]));
  const rank = ({ oid }: Table) => place.get(oid) ?? filled.length;
  const tried = new Set(catalog.tables.map(({ oid }) => oid));
  const views = content.views.filter(({ oid }) => place.has(oid) || !tried.has(oid));
  const archive = { ...content.archive, leftOut: [...content.archive.leftOut, ...leftOut] };
  return { ...content, archive, views: views.toSorted((a, b) => rank(a) - rank(b)) };
}
