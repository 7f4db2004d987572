import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Exclusion, LeftOut } from '../model/plan.ts';
import type { Run } from '../model/run.ts';
import type { StagingServer } from '../model/servers.ts';
import { type ArchiveEntry, withoutObjects } from '../postgres/archive.ts';
import { programSettings } from '../postgres/house-settings.ts';
import { dumpSettings, openProduction, type Snapshot, spoken } from '../postgres/run-sessions.ts';
import { libpqEnvironment, runTool, type ServerTools } from '../postgres/server-tools.ts';
import type { Session } from '../postgres/session.ts';
import { allDone } from '../system/all-done.ts';
import { caFile, emptyFile } from './schema/access.ts';
import { chooseEntries, readBeyond, type SchemaArchive } from './schema/choice.ts';
import { dumpAhead } from './schema/dump.ts';
import { type Destination, excluding, isPrivilege, render, restore } from './schema/making.ts';
import { readRestoreScript } from './schema/script.ts';
import { readSections } from './schema/sections.ts';

/** Reads production's schema under the snapshot. */
export async function dumpSchema(
  run: Run,
  tools: ServerTools,
  servers: Pick<StagingServer, 'stagingSuperuser'>,
  snapshot: Snapshot,
  exclusion?: Exclusion,
): Promise<SchemaArchive> {
  const file = await emptyFile(run, 'schema.dump');
  const environment = {
    ...libpqEnvironment(run.config.production, await caFile(run, run.config.production, 'production')),
    PGOPTIONS: `${programSettings} -c default_transaction_read_only=on`,
  };
  const args = [
    '--format=custom',
    '--compress=0',
    '--schema-only',
    '--no-subscriptions',
    `--snapshot=${snapshot.id}`,
    `--lock-wait-timeout=${run.config.lockWaitSeconds}s`,
    `--file=${file}`,
    ...excluding(exclusion?.relations),
  ];
  const ahead = async () => {
    await using session = await openProduction(run, dumpSettings);
    return await dumpAhead(run, tools, session, snapshot.begin, args);
  };
  const directly = (cause: unknown) => {
    run.signal.throwIfAborted();
    run.log.detail?.(`pg_dump once more, without reading ahead: ${String(cause)}`);
    const server = spoken(run, run.config.production, 'production');
    return runTool(tools, 'pg_dump', args, environment, run.signal, server);
  };
  const [beyond] = await allDone([readBeyond(snapshot, servers.stagingSuperuser), ahead().catch(directly)]);
  const sections = await readSections(tools, file);
  const wanted = (entries: readonly ArchiveEntry[]) =>
    withoutObjects(entries, exclusion?.objects ?? new Set());
  return chooseEntries(file, wanted(sections.preData), wanted(sections.postData), beyond);
}

/**
 * Makes the schemas alone: extensions go into them before anything else does.
 *
 * @param session of the next database, with makingSettings; so below.
 * @param standing oids in production of those that are there already.
 */
export async function restoreSchemas(
  to: Destination,
  session: Session,
  archive: SchemaArchive,
  standing: ReadonlySet<number> = new Set(),
): Promise<void> {
  const schemas = archive.preData.filter(
    ({ type, objectOid }) => type === 'SCHEMA' && !standing.has(objectOid),
  );
  await restore(to, session, archive, schemas);
}

/**
 * Makes everything that rows need to be loaded, and what costs nothing on empty tables: extended statistics, which
 * ANALYZE wants to find, and the indexes of partitioned tables, to which the partitions' own are attached later.
 *
 * @param partitioned oids of partitioned tables' indexes and constraints.
 */
export async function restorePreData(
  to: Destination,
  session: Session,
  archive: SchemaArchive,
  partitioned: ReadonlySet<number>,
): Promise<void> {
  const early = archive.postData.filter((entry) => isCatalogOnly(entry, partitioned));
  // Extensions stand already, in their schemas.
  const others = archive.preData.filter(
    (entry) => entry.type !== 'SCHEMA' && entry.type !== 'EXTENSION' && !comesLast(entry),
  );
  await restore(to, session, archive, [...others, ...early]);
}

/**
 * Makes what is left once rows and indexes are there.
 *
 * @param built oids of objects that the engine has built itself.
 * @param last oids of constraints that come after all others, in their order.
 */
export async function restorePostData(
  to: Destination,
  session: Session,
  archive: SchemaArchive,
  partitioned: ReadonlySet<number>,
  built: ReadonlySet<number>,
  last: readonly number[],
): Promise<void> {
  const late = archive.postData.filter(
    (entry) => !isCatalogOnly(entry, partitioned) && !isBuilt(entry, built) && !comesLast(entry),
  );
  await restore(to, session, archive, keysLast(late, last));
}

/**
 * Makes what comes last of all. Event triggers would watch what is still to be done, keep a record of it, or refuse it;
 * and a security label can only be given where its provider is loaded.
 *
 * @param attempt runs statements of which each may be refused. @returns what it says of those.
 */
export async function restoreLast(
  to: Destination,
  session: Session,
  archive: SchemaArchive,
  attempt: (session: Session, statements: readonly string[]) => Promise<LeftOut[]>,
): Promise<LeftOut[]> {
  const labels = [...archive.preData, ...archive.postData].filter(isLabel);
  const script = await render(to, archive, labels, []);
  const pieces = script === '' ? [] : (readRestoreScript(script, labels.length)?.pieces ?? [script]);
  const statements = pieces.flatMap((piece) => /^SECURITY LABEL [\s\S]*(?=;)/m.exec(piece)?.[0] ?? []);
  const refused = await attempt(session, statements);
  await restore(to, session, archive, archive.postData.filter(isEventTrigger));
  return refused;
}

/** Whether there is anything that `restoreLast` has to make. */
export function hasLast({ preData, postData }: SchemaArchive): boolean {
  return [...preData, ...postData].some(comesLast);
}

/** The GRANTs and REVOKEs of production, as pg_restore would send them. */
export async function privilegesOf(to: Destination, archive: SchemaArchive): Promise<string> {
  return await render(to, archive, [...archive.preData, ...archive.postData].filter(isPrivilege), []);
}

/**
 * The definitions that were taken over, as a script to compare: no owners, no privileges, nothing that comes last. In
 * pieces: of 10,000 tables it is 8 MB.
 */
export async function* definitionsTaken(to: Destination, archive: SchemaArchive): AsyncGenerator<string> {
  const entries = [...archive.preData, ...archive.postData].filter(
    (entry) => !isPrivilege(entry) && !comesLast(entry),
  );
  const file = await emptyFile(to.run, `${randomUUID()}.sql`);
  await render(to, archive, entries, ['--no-owner'], file);
  for await (const piece of createReadStream(file, 'utf8')) yield String(piece);
}

/**
 * The same for what comes before the rows, what comes after them, and what comes last of all. Nobody keeps any of it:
 * of 10,000 tables it is megabytes.
 *
 * @param last as in restorePostData.
 * @param without oids of constraints that are not to be made.
 */
export function definitionsAroundRows(
  to: Destination,
  archive: SchemaArchive,
  last: readonly number[],
  without: readonly number[],
): { readonly [section in 'preData' | 'postData' | 'last']: () => Promise<string> } {
  const wanted = (entry: ArchiveEntry) => !isPrivilege(entry) && !comesLast(entry);
  const gone = new Set(without.map((oid) => `${constraintCatalog}/${oid}`));
  const options = ['--no-owner', '--no-privileges'];
  const script = (entries: readonly ArchiveEntry[]) => render(to, archive, entries, options);
  return {
    preData: () => script(archive.preData.filter(wanted)),
    postData: () => script(keysLast(withoutObjects(archive.postData, gone).filter(wanted), last)),
    last: () => script(archive.postData.filter(isEventTrigger)),
  };
}

/** Oid of pg_constraint, the same on every server. */
const constraintCatalog = 2606;

/** These keys after everything else, in their order, and comments, which may be on one of them, after those. */
function keysLast(entries: readonly ArchiveEntry[], last: readonly number[]): readonly ArchiveEntry[] {
  const rank = ({ type, objectOid }: ArchiveEntry) => {
    if (type === 'COMMENT') return last.length;
    return type === 'FK CONSTRAINT' ? last.indexOf(objectOid) : -1;
  };
  return entries.toSorted((a, b) => rank(a) - rank(b));
}

const builtTypes = new Set(['INDEX', 'CONSTRAINT', 'FK CONSTRAINT']);

/** What `restoreLast` makes. */
function comesLast(entry: ArchiveEntry): boolean {
  return isEventTrigger(entry) || isLabel(entry);
}

function isEventTrigger({ type, rest }: ArchiveEntry): boolean {
  return type === 'EVENT TRIGGER' || (type === 'COMMENT' && rest.startsWith('- EVENT TRIGGER '));
}

function isLabel({ type }: ArchiveEntry): boolean {
  return type === 'SECURITY LABEL';
}

function isBuilt(entry: ArchiveEntry, built: ReadonlySet<number>): boolean {
  return builtTypes.has(entry.type) && built.has(entry.objectOid);
}

function isCatalogOnly(entry: ArchiveEntry, partitioned: ReadonlySet<number>): boolean {
  if (entry.type === 'STATISTICS') return true;
  return (entry.type === 'INDEX' || entry.type === 'CONSTRAINT') && partitioned.has(entry.objectOid);
}
