import { readFile } from 'node:fs/promises';
import { freeArtifactPath } from '../artifact/artifact-name.ts';
import { databaseId } from '../artifact/database-id.ts';
import type { ArtifactIndex } from '../artifact/index-schema.ts';
import { type Counted, closingScript, openingScript, proofScript } from '../artifact/script.ts';
import type { Sink } from '../artifact/sink.ts';
import { ArtifactWriter } from '../artifact/writer.ts';
import type { Table } from '../model/catalog.ts';
import type { LeftOut, Plan, PlannedTable } from '../model/plan.ts';
import type { LoadedTable, WrittenArtifact } from '../model/report.ts';
import type { Run } from '../model/run.ts';
import type { DatabaseFacts } from '../model/servers.ts';
import { display, ident, qualified } from '../model/table.ts';
import { rowsFingerprint } from '../policy/rows-fingerprint.ts';
import type { ArchiveEntry } from '../postgres/archive.ts';
import type { OwnershipFacts } from '../postgres/identity.ts';
import { formatBytes } from '../system/log.ts';

/** Everything about a copy that is not its rows. */
export interface ArtifactContent {
  readonly content: 'copied' | 'full';
  readonly production: DatabaseFacts;
  readonly plan: Plan;
  /** Materialized views in the order in which they are filled. */
  readonly views: readonly Table[];
  readonly origin: Pick<ArtifactIndex, 'locale' | 'settings' | 'userSchemas'>;
  readonly searchPath: string;
  /** pg_restore's scripts of what comes before the rows, after them, and last of all. */
  readonly definitions: { readonly [section in 'preData' | 'postData' | 'last']: () => Promise<string> };
  readonly archive: {
    readonly file: string;
    readonly preData: readonly ArchiveEntry[];
    readonly postData: readonly ArchiveEntry[];
    readonly leftOut: readonly LeftOut[];
  };
  readonly ownership: OwnershipFacts;
  readonly constraints: ReadonlyMap<string, boolean>;
}

/** Begins the file; undefined where none is wanted. Disposed of before it is finished, it leaves none. */
export async function beginArtifact(
  run: Run,
  content: ArtifactContent,
  whose: 'prod' | 'staging' = 'prod',
): Promise<ArtifactWriter | undefined> {
  const { artifact } = run.config;
  if (!artifact) return undefined;
  const writer = await ArtifactWriter.create({
    path: await freeArtifactPath(
      artifact.folder,
      run.startedAt,
      content.content,
      artifact.recipient !== undefined,
      whose,
    ),
    temporary: run.temporary,
    recipient: artifact.recipient,
    databaseId: databaseId(content.production),
    atOnce: Math.max(4, run.config.jobs * 2),
  });
  try {
    const { production, definitions, plan, searchPath } = content;
    const origin = { ...production, database: production.name, madeAt: run.startedAt.toISOString() };
    await writer.definitions(
      openingScript(
        origin,
        await definitions.preData(),
        content.ownership.largeObjects.comments,
        plan.catalog,
        searchPath,
      ),
    );
    return writer;
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

/** A file of which every byte is written. Disposed of before it has its name, it leaves nothing. */
export interface NamelessArtifact extends AsyncDisposable {
  giveName(): Promise<WrittenArtifact>;
}

/** Writes what comes after the rows. */
export async function completeArtifact(
  run: Run,
  writer: ArtifactWriter,
  content: ArtifactContent,
  loaded: readonly LoadedTable[],
): Promise<NamelessArtifact> {
  const { plan, definitions, views, searchPath } = content;
  const madeAt = run.startedAt.toISOString();
  const rowsOf = new Map(loaded.map((table) => [display(table), table.rows]));
  const rows = (table: Table) => rowsOf.get(display(table)) ?? 0;
  await writer.definitions(
    closingScript(
      { postData: await definitions.postData(), last: await definitions.last() },
      laterKeys(plan),
      plan.catalog,
      views,
      searchPath,
    ) + proofScript(countable(plan.tables, rows), madeAt),
  );
  await writer.attach(await readFile(content.archive.file));
  const sink = await writer.complete({
    runId: run.id,
    madeAt,
    production: {
      database: content.production.name,
      id: databaseId(content.production),
      version: content.production.version,
      versionNumber: content.production.versionNumber,
    },
    content: content.content,
    ...content.origin,
    searchPath,
    catalog: plan.catalog,
    tables: plan.tables.map(({ table, whereInStaging, masked }) => ({
      oid: table.oid,
      rows: rows(table),
      where: whereInStaging,
      ...(masked.length > 0 ? { masked: [...masked] } : {}),
    })),
    policy: run.config.policy && content.content === 'copied' ? rowsFingerprint(run.config.policy) : null,
    views: views.map((view) => view.oid),
    archive: {
      preData: content.archive.preData.map((entry) => entry.line),
      postData: content.archive.postData.map((entry) => entry.line),
      leftOut: [...content.archive.leftOut],
    },
    ownership: content.ownership,
    counted: countable(plan.tables, rows),
    preserved: { preserved: plan.policy?.preserved ?? [], laterKeys: plan.policy?.laterKeys ?? [] },
    constraints: [...content.constraints],
  });
  return nameless(run, sink, writer.encrypted);
}

/** Made here, where nothing else is known: it stays longer than the plan. */
function nameless(run: Run, sink: Sink, encrypted: boolean): NamelessArtifact {
  return {
    giveName: async () => {
      const written = await sink.finish();
      run.log.info(`artifact: ${written.path}, ${formatBytes(written.bytes)}, sha256 ${written.sha256}`);
      return { ...written, encrypted };
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

/** Constraints that the scripts must not make, since staging's own rows are not in the file. */
export function laterOids({ policy }: Plan): number[] {
  return (policy?.laterKeys ?? []).map(({ key }) => key.oid);
}

/** Keys from and to tables whose rows are staging's own, which are not in the file: they hold from now on. */
function laterKeys({ policy }: Plan): string[] {
  return (policy?.laterKeys ?? []).map(({ key, table }) => {
    const definition = key.definition.replace(/ NOT VALID$/, '');
    return `alter table ${qualified(table)} add constraint ${ident(key.name)} ${definition} not valid`;
  });
}

/** Rows that are loaded through a partitioned table find their own place: it is counted as a whole. */
function countable(tables: readonly PlannedTable[], rowsOf: (table: Table) => number): Counted[] {
  const counted = new Map<string, Counted>();
  for (const { table, whereInStaging: condition } of tables) {
    const from = table.loadThrough ? qualified(table.loadThrough) : `only ${qualified(table)}`;
    const rows = (counted.get(from)?.rows ?? 0) + rowsOf(table);
    counted.set(from, { from, rows, condition });
  }
  return [...counted.values()];
}
