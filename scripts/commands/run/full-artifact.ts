import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactWriter } from '../../artifact/writer.ts';
import type { Plan } from '../../model/plan.ts';
import type { LoadedTable } from '../../model/report.ts';
import type { Run } from '../../model/run.ts';
import { display } from '../../model/table.ts';
import { readCatalog } from '../../postgres/catalog.ts';
import { readConstraints } from '../../postgres/constraints.ts';
import { readOwnership } from '../../postgres/identity.ts';
import type { Snapshot } from '../../postgres/run-sessions.ts';
import { readViewDependencies } from '../../postgres/view-dependencies.ts';
import type { ArtifactContent } from '../../stages/artifact.ts';
import { archiveRows, untapped, untouched } from '../../stages/load/archive-rows.ts';
import { withoutJobs } from '../../stages/plan/jobs.ts';
import { planCopy } from '../../stages/plan.ts';
import type { Preflight } from '../../stages/preflight.ts';
import { keysOfPartitions } from '../../stages/schema/partition-keys.ts';
import { definitionsAroundRows, dumpSchema } from '../../stages/schema.ts';
import { orderOfViews } from '../../stages/settle.ts';

/** An artifact that holds production as it is, beside a staging that the policy changes. */
export interface FullArtifact {
  readonly content: ArtifactContent;
  /** Oids of the tables whose rows the artifact takes from the copy as they pass. */
  readonly tapped: ReadonlySet<number>;
  /** Reads what the copy does not have. Returns every table of the artifact, with its rows. */
  complete(writer: ArtifactWriter, loaded: readonly LoadedTable[]): Promise<LoadedTable[]>;
}

/** Undefined where what staging gets is all of production anyway. */
export async function planFullArtifact(
  run: Run,
  { servers, tools }: Preflight,
  snapshot: Snapshot,
  planned: Plan,
  copied: ArtifactContent,
): Promise<FullArtifact | undefined> {
  if (!planned.policy) return undefined;
  const { session } = snapshot;
  const whole = withoutJobs(planCopy(await readCatalog(session), run.config.jobs));
  // Its schema lies in a folder of its own: the copy's own has the policy's exclusions.
  const temporary = join(run.temporary, 'full');
  // There already where definitions moved and all is begun anew.
  await mkdir(temporary, { mode: 0o700, recursive: true });
  const elsewhere = { ...run, temporary };
  const archive = await dumpSchema(elsewhere, tools, servers, snapshot, undefined);
  const { lockCapacity } = servers.staging;
  const destination = { run: elsewhere, tools, database: servers.staging.name, lockCapacity };
  const tapped = untouched(planned, whole);
  return {
    tapped,
    content: {
      ...copied,
      content: 'full',
      plan: whole,
      archive,
      views: orderOfViews(whole.catalog, await readViewDependencies(session)),
      definitions: definitionsAroundRows(destination, archive, keysOfPartitions(whole.catalog), []),
      ownership: await readOwnership(session),
      constraints: await readConstraints(session),
    },
    complete: async (writer, loaded) => {
      const inCopy = new Set(
        whole.tables.filter(({ table }) => tapped.has(table.oid)).map(({ table }) => display(table)),
      );
      const rest = await archiveRows(run, untapped(whole, planned, tapped), snapshot, writer);
      return [...loaded.filter((table) => inCopy.has(display(table))), ...rest];
    },
  };
}
