import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagingRun } from '../../model/run.ts';
import { qualified, type TableRef } from '../../model/table.ts';
import { type ArchiveEntry, formatArchiveList } from '../../postgres/archive.ts';
import { lendConnection } from '../../postgres/lent-connection.ts';
import { runTool, type ServerTools } from '../../postgres/server-tools.ts';
import type { Session } from '../../postgres/session.ts';
import { inBatches } from '../../system/batches.ts';
import { bareEnvironment, conninfo } from './access.ts';
import type { SchemaArchive } from './choice.ts';
import { readRestoreScript, runScript } from './script.ts';

/** Where a schema goes: the new database, reached by PostgreSQL's own programs. */
export interface Destination {
  readonly run: StagingRun;
  readonly tools: ServerTools;
  readonly database: string;
  /** Of its server: see requireLocks. */
  readonly lockCapacity: number;
  /** What pg_dump may not ask for there. */
  readonly unreadable?: readonly TableRef[];
}

/** Many objects in one transaction are quicker, but each holds a few locks until the end. */
const objectsAtOnce = (lockCapacity: number) => Math.max(10, Math.min(1000, Math.floor(lockCapacity / 16)));

/** Settings of the session that makes definitions, on top of the house's. */
export const makingSettings = {
  synchronous_commit: 'off',
  // pg_dump writes amounts of money as the database does.
  lc_monetary: null,
};

/** A name in double quotes is no pattern (manual, psql, "Patterns"). */
export const excluding = (relations: readonly TableRef[] = []) =>
  relations.map((relation) => `--exclude-table=${qualified(relation)}`);

/** Makes what these entries say, in their order. @param session of the next database, with makingSettings. */
export async function restore(
  to: Destination,
  session: Session,
  archive: SchemaArchive,
  wanted: readonly ArchiveEntry[],
): Promise<void> {
  const entries = wanted.filter((entry) => !isPrivilege(entry));
  if (entries.length === 0) return;
  const options = ['--no-owner', '--no-privileges'];
  const script = readRestoreScript(await render(to, archive, entries, options), entries.length);
  if (script) await runScript(session, script, objectsAtOnce(to.lockCapacity));
  else await restoreByProgram(to, session, archive, entries, options);
}

/** One after the other, each with a round trip of its own, on our session: a program's may be refused its settings. */
async function restoreByProgram(
  to: Destination,
  session: Session,
  archive: SchemaArchive,
  entries: readonly ArchiveEntry[],
  options: readonly string[],
): Promise<void> {
  const make = async (batch: readonly ArchiveEntry[]) => {
    const args = [
      '--exit-on-error',
      '--no-tablespaces',
      `--use-list=${await listFile(to, batch)}`,
      ...options,
      `--dbname=${conninfo(to.database)}`,
      archive.file,
    ];
    const work = async (environment: Readonly<Record<string, string>>) => {
      await runTool(to.tools, 'pg_restore', args, environment, to.run.signal);
    };
    await session.awaiting(lendConnection(session, to.run.temporary, work));
  };
  if (session.inTransaction) return await make(entries);
  for (const batch of inBatches(entries, objectsAtOnce(to.lockCapacity))) {
    await session.run('begin');
    await make(batch);
    await session.run('commit');
  }
}

/** Privileges are given when everything else is there: see stages/ownership.ts. */
export function isPrivilege({ type }: ArchiveEntry): boolean {
  return type === 'ACL' || type === 'DEFAULT ACL';
}

/** The entries as a script. @param file where it goes instead. */
export async function render(
  to: Destination,
  archive: SchemaArchive,
  entries: readonly ArchiveEntry[],
  options: readonly string[],
  file = '-',
): Promise<string> {
  if (entries.length === 0) return '';
  const { stdout } = await runTool(
    to.tools,
    'pg_restore',
    [
      ...options,
      '--no-tablespaces',
      `--use-list=${await listFile(to, entries)}`,
      `--file=${file}`,
      archive.file,
    ],
    bareEnvironment(),
    to.run.signal,
  );
  return stdout;
}

/** Several may be made at the same time. */
async function listFile(to: Destination, entries: readonly ArchiveEntry[]): Promise<string> {
  const list = join(to.run.temporary, `${randomUUID()}.list`);
  await writeFile(list, formatArchiveList(entries), { mode: 0o600 });
  return list;
}
