import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeftOut } from '../model/plan.ts';
import type { Run } from '../model/run.ts';
import type { Servers } from '../model/servers.ts';
import { type ArchiveEntry, formatArchiveList, parseArchiveList } from '../postgres/archive.ts';
import type { Snapshot } from '../postgres/run-sessions.ts';
import { libpqEnvironment, runTool, type ServerTools } from '../postgres/server-tools.ts';

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

/** Where a schema goes: the new database, reached by PostgreSQL's own programs. */
interface Destination {
  readonly run: Run;
  readonly tools: ServerTools;
  readonly database: string;
}

/** Reads production's schema under the snapshot. */
export async function dumpSchema(
  run: Run,
  tools: ServerTools,
  servers: Servers,
  snapshot: Snapshot,
): Promise<SchemaArchive> {
  const file = join(run.temporary, 'schema.dump');
  const environment = {
    ...libpqEnvironment(run.config.production, await caFile(run, 'production')),
    PGOPTIONS: '-c default_transaction_read_only=on',
  };
  const args = [
    '--format=custom',
    '--compress=0',
    '--schema-only',
    '--no-subscriptions',
    `--snapshot=${snapshot.id}`,
    `--lock-wait-timeout=${run.config.lockWaitSeconds}s`,
    `--file=${file}`,
  ];
  await runTool(tools, 'pg_dump', args, environment, run.signal);
  const section = async (name: string) => {
    const { stdout } = await runTool(
      tools,
      'pg_restore',
      ['--list', `--section=${name}`, file],
      bareEnvironment(),
    );
    return parseArchiveList(stdout);
  };
  return sortOut(file, await section('pre-data'), await section('post-data'), servers.stagingSuperuser);
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
  await restore(to, archive.file, 'pre-data.list', [...archive.preData, ...early]);
}

/** Makes what is left once rows and indexes are there. @param built oids of objects that the engine has built itself. */
export async function restorePostData(
  to: Destination,
  archive: SchemaArchive,
  partitioned: ReadonlySet<number>,
  built: ReadonlySet<number>,
): Promise<void> {
  const late = archive.postData.filter(
    (entry) => !isCatalogOnly(entry, partitioned) && !isBuilt(entry, built),
  );
  await restore(to, archive.file, 'post-data.list', late, [`--jobs=${to.run.config.jobs}`]);
}

/** The SQL of some entries as pg_restore would send it. */
export async function scriptOf(
  to: Destination,
  archive: SchemaArchive,
  choose: (entry: ArchiveEntry) => boolean,
  options: readonly string[] = [],
): Promise<string> {
  const entries = [...archive.preData, ...archive.postData].filter(choose);
  if (entries.length === 0) return '';
  const list = join(to.run.temporary, 'script.list');
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
  return scriptOf(to, archive, (entry) => entry.type !== 'ACL' && entry.type !== 'DEFAULT ACL', [
    '--no-owner',
  ]);
}

/** The definitions that the next database has, in the same form. */
export async function definitionsMade(to: Destination): Promise<string> {
  const staging = { ...to.run.config.staging, database: to.database };
  const environment = libpqEnvironment(staging, await caFile(to.run, 'staging'));
  const args = ['--schema-only', '--no-owner', '--no-privileges', '--no-tablespaces', '--no-subscriptions'];
  return (await runTool(to.tools, 'pg_dump', args, environment, to.run.signal)).stdout;
}

const builtTypes = new Set(['INDEX', 'CONSTRAINT', 'FK CONSTRAINT']);

function isBuilt(entry: ArchiveEntry, built: ReadonlySet<number>): boolean {
  return builtTypes.has(entry.type) && built.has(entry.objectOid);
}

function isCatalogOnly(entry: ArchiveEntry, partitioned: ReadonlySet<number>): boolean {
  if (entry.type === 'STATISTICS') return true;
  return (entry.type === 'INDEX' || entry.type === 'CONSTRAINT') && partitioned.has(entry.objectOid);
}

function sortOut(
  file: string,
  preData: readonly ArchiveEntry[],
  postData: readonly ArchiveEntry[],
  superuser: boolean,
): SchemaArchive {
  const leftOut: LeftOut[] = [];
  const keep = (entry: ArchiveEntry) => {
    // Extensions of a managed server belong to its superuser, who has commented on them already.
    if (entry.type === 'COMMENT' && entry.rest.startsWith('- EXTENSION ')) return false;
    const reason = superuser ? undefined : superuserOnly[entry.type];
    if (reason) leftOut.push({ object: `${entry.type} ${entry.rest}`, reason });
    return reason === undefined;
  };
  return { file, preData: preData.filter(keep), postData: postData.filter(keep), leftOut };
}

/** What only a superuser may create (manual, the CREATE command of each). */
const superuserOnly: Readonly<Record<string, string>> = {
  'EVENT TRIGGER': 'only a superuser may create event triggers',
  'FOREIGN DATA WRAPPER': 'only a superuser may create foreign-data wrappers',
  'ACCESS METHOD': 'only a superuser may create access methods',
  'PROCEDURAL LANGUAGE': 'only a superuser may create procedural languages',
};

/** Many statements in one transaction are quicker, but each holds its locks until the end. */
const statementsAtOnce = 1000;

async function restore(
  to: Destination,
  file: string,
  listName: string,
  entries: readonly ArchiveEntry[],
  options: readonly string[] = [`--transaction-size=${statementsAtOnce}`],
): Promise<void> {
  if (entries.length === 0) return;
  const list = join(to.run.temporary, listName);
  await writeFile(list, formatArchiveList(entries), { mode: 0o600 });
  const staging = { ...to.run.config.staging, database: to.database };
  const environment = {
    ...libpqEnvironment(staging, await caFile(to.run, 'staging')),
    PGOPTIONS: '-c synchronous_commit=off -c statement_timeout=0 -c lock_timeout=0',
  };
  const transactions =
    to.tools.major >= 17 ? options : options.filter((option) => !option.startsWith('--transaction-size'));
  const args = ['--exit-on-error', '--no-owner', '--no-privileges', '--no-tablespaces', `--use-list=${list}`];
  await runTool(
    to.tools,
    'pg_restore',
    [...args, ...transactions, `--dbname=${conninfo(to.database)}`, file],
    environment,
    to.run.signal,
  );
}

/** A conninfo string, since a bare name with `=` in it would be read as one; everything else is in the environment. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

async function caFile(run: Run, side: 'production' | 'staging'): Promise<string | undefined> {
  const { ca } = run.config[side];
  if (!ca) return undefined;
  const file = join(run.temporary, `${side}-ca.pem`);
  await writeFile(file, ca, { mode: 0o600 });
  return file;
}

/** For pg_restore when it only reads a file. */
function bareEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', PGCLIENTENCODING: 'UTF8' };
}
