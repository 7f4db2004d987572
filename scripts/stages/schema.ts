import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exclusion } from '../model/plan.ts';
import type { Run, StagingRun } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import { ident } from '../model/table.ts';
import {
  type ArchiveEntry,
  formatArchiveList,
  parseArchiveList,
  withoutObjects,
} from '../postgres/archive.ts';
import { noLimits } from '../postgres/house-settings.ts';
import { type Snapshot, spoken, transactionOf } from '../postgres/run-sessions.ts';
import { libpqEnvironment, runTool, type ServerTools } from '../postgres/server-tools.ts';
import { bareEnvironment, caFile, conninfo, emptyFile, withAccess } from './schema/access.ts';
import { chooseEntries, readBeyond, type SchemaArchive } from './schema/choice.ts';

/** Where a schema goes: the new database, reached by PostgreSQL's own programs. */
export interface Destination {
  readonly run: StagingRun;
  readonly tools: ServerTools;
  readonly database: string;
  /** Of its server: see requireLocks. */
  readonly lockCapacity: number;
}

/** Reads production's schema under the snapshot. */
export async function dumpSchema(
  run: Run,
  tools: ServerTools,
  servers: Servers,
  snapshot: Snapshot,
  exclusion?: Exclusion,
): Promise<SchemaArchive> {
  const file = await emptyFile(run, 'schema.dump');
  const environment = {
    ...libpqEnvironment(run.config.production, await caFile(run, run.config.production, 'production')),
    PGOPTIONS: `${noLimits} -c default_transaction_read_only=on`,
  };
  const args = [
    '--format=custom',
    '--compress=0',
    '--schema-only',
    '--no-subscriptions',
    `--snapshot=${snapshot.id}`,
    `--lock-wait-timeout=${run.config.lockWaitSeconds}s`,
    `--file=${file}`,
    // A name in double quotes is no pattern (manual, psql, "Patterns").
    ...(exclusion?.relations ?? []).map(
      ({ schema, name }) => `--exclude-table=${ident(schema)}.${ident(name)}`,
    ),
  ];
  await runTool(
    tools,
    'pg_dump',
    args,
    environment,
    run.signal,
    spoken(run, run.config.production, 'production'),
  );
  const section = async (name: string) => {
    const { stdout } = await runTool(
      tools,
      'pg_restore',
      ['--list', `--section=${name}`, file],
      bareEnvironment(),
    );
    return withoutObjects(parseArchiveList(stdout), exclusion?.objects ?? new Set());
  };
  const [preData, postData, beyond] = await Promise.all([
    section('pre-data'),
    section('post-data'),
    readBeyond(snapshot, servers.stagingSuperuser),
  ]);
  return chooseEntries(file, preData, postData, beyond);
}

/**
 * Makes the schemas alone: extensions go into them before anything else does.
 *
 * @param standing oids in production of those that are there already.
 */
export async function restoreSchemas(
  to: Destination,
  archive: SchemaArchive,
  standing: ReadonlySet<number> = new Set(),
): Promise<void> {
  const schemas = archive.preData.filter(
    ({ type, objectOid }) => type === 'SCHEMA' && !standing.has(objectOid),
  );
  await restore(to, archive.file, 'schemas.list', schemas);
}

/**
 * Makes everything that rows need to be loaded, and what costs nothing on empty tables: extended statistics, which
 * ANALYZE wants to find, and the indexes of partitioned tables, to which the partitions' own are attached later.
 *
 * @param partitioned oids of partitioned tables' indexes and constraints.
 */
export async function restorePreData(
  to: Destination,
  archive: SchemaArchive,
  partitioned: ReadonlySet<number>,
): Promise<void> {
  const early = archive.postData.filter((entry) => isCatalogOnly(entry, partitioned));
  // Extensions stand already, in their schemas.
  const others = archive.preData.filter((entry) => entry.type !== 'SCHEMA' && entry.type !== 'EXTENSION');
  await restore(to, archive.file, 'pre-data.list', [...others, ...early]);
}

/**
 * Makes what is left once rows and indexes are there.
 *
 * @param built oids of objects that the engine has built itself.
 * @param last oids of constraints that come after all others, in their order.
 */
export async function restorePostData(
  to: Destination,
  archive: SchemaArchive,
  partitioned: ReadonlySet<number>,
  built: ReadonlySet<number>,
  last: readonly number[],
): Promise<void> {
  const late = archive.postData.filter(
    (entry) => !isCatalogOnly(entry, partitioned) && !isBuilt(entry, built),
  );
  const isLast = (entry: ArchiveEntry) => entry.type === 'FK CONSTRAINT' && last.includes(entry.objectOid);
  const others = late.filter((entry) => !isLast(entry));
  const jobs = others.some(({ type }) => builtTypes.has(type)) ? to.run.config.jobs : 1;
  await restore(to, archive.file, 'post-data.list', others, [`--jobs=${jobs}`]);
  const lastEntries = late
    .filter(isLast)
    .sort((a, b) => last.indexOf(a.objectOid) - last.indexOf(b.objectOid));
  await restore(to, archive.file, 'last.list', lastEntries);
}

/** The GRANTs and REVOKEs of production, as pg_restore would send them. */
export async function privilegesOf(to: Destination, archive: SchemaArchive): Promise<string> {
  return await render(to, archive, [...archive.preData, ...archive.postData].filter(isPrivilege), []);
}

async function render(
  to: Destination,
  archive: SchemaArchive,
  entries: readonly ArchiveEntry[],
  options: readonly string[],
): Promise<string> {
  if (entries.length === 0) return '';
  // Several may be rendered at the same time.
  const list = join(to.run.temporary, `script-${randomUUID()}.list`);
  await writeFile(list, formatArchiveList(entries), { mode: 0o600 });
  const { stdout } = await runTool(
    to.tools,
    'pg_restore',
    [...options, '--no-tablespaces', `--use-list=${list}`, '--file=-', archive.file],
    bareEnvironment(),
    to.run.signal,
  );
  return stdout;
}

/** The definitions that were taken over, as a script to compare: no owners, no privileges. */
export function definitionsTaken(to: Destination, archive: SchemaArchive): Promise<string> {
  const entries = [...archive.preData, ...archive.postData].filter((entry) => !isPrivilege(entry));
  return render(to, archive, entries, ['--no-owner']);
}

/**
 * The same in two halves, for what comes before and after the rows.
 *
 * @param last as in restorePostData.
 * @param without oids of constraints that are not to be made.
 */
export async function definitionsAroundRows(
  to: Destination,
  archive: SchemaArchive,
  last: readonly number[],
  without: readonly number[],
): Promise<{ readonly preData: string; readonly postData: string }> {
  const wanted = (entry: ArchiveEntry) =>
    !isPrivilege(entry) && !(entry.type === 'FK CONSTRAINT' && without.includes(entry.objectOid));
  const rank = ({ type, objectOid }: ArchiveEntry) =>
    type === 'FK CONSTRAINT' ? last.indexOf(objectOid) : -1;
  const options = ['--no-owner', '--no-privileges'];
  const late = archive.postData.filter(wanted).toSorted((a, b) => rank(a) - rank(b));
  return {
    preData: await render(to, archive, archive.preData.filter(wanted), options),
    postData: await render(to, archive, late, options),
  };
}

/** The definitions that the next database has, in the same form. */
export async function definitionsMade(to: Destination): Promise<string> {
  const args = ['--schema-only', '--no-owner', '--no-privileges', '--no-tablespaces', '--no-subscriptions'];
  return await withAccess(
    to.run,
    to.database,
    async (environment, server) =>
      (await runTool(to.tools, 'pg_dump', args, environment, to.run.signal, server)).stdout,
  );
}

const builtTypes = new Set(['INDEX', 'CONSTRAINT', 'FK CONSTRAINT']);

function isPrivilege({ type }: ArchiveEntry): boolean {
  return type === 'ACL' || type === 'DEFAULT ACL';
}

function isBuilt(entry: ArchiveEntry, built: ReadonlySet<number>): boolean {
  return builtTypes.has(entry.type) && built.has(entry.objectOid);
}

function isCatalogOnly(entry: ArchiveEntry, partitioned: ReadonlySet<number>): boolean {
  if (entry.type === 'STATISTICS') return true;
  return (entry.type === 'INDEX' || entry.type === 'CONSTRAINT') && partitioned.has(entry.objectOid);
}

/** Many objects in one transaction are quicker, but each holds a few locks until the end. */
const objectsAtOnce = (lockCapacity: number) => Math.max(10, Math.min(1000, Math.floor(lockCapacity / 16)));

async function restore(
  to: Destination,
  file: string,
  listName: string,
  entries: readonly ArchiveEntry[],
  options: readonly string[] = [`--transaction-size=${objectsAtOnce(to.lockCapacity)}`],
): Promise<void> {
  if (entries.length === 0) return;
  const list = join(to.run.temporary, listName);
  await writeFile(list, formatArchiveList(entries), { mode: 0o600 });
  const transactions =
    to.tools.major >= 17 ? options : options.filter((option) => !option.startsWith('--transaction-size'));
  const args = ['--exit-on-error', '--no-owner', '--no-privileges', '--no-tablespaces', `--use-list=${list}`];
  // On one connection and in one transaction that is not pg_restore's there is nothing to divide.
  if (!transactionOf(to.run)) args.push(...transactions);
  await withAccess(to.run, to.database, async (environment, server) => {
    await runTool(
      to.tools,
      'pg_restore',
      [...args, `--dbname=${conninfo(to.database)}`, file],
      { ...environment, PGOPTIONS: restoreOptions },
      to.run.signal,
      server,
    );
  });
}

const restoreOptions = `${noLimits} -c synchronous_commit=off -c default_transaction_read_only=off`;
