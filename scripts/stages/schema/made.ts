import { readFile } from 'node:fs/promises';
import { dumpSettings, openStaging, transactionOf } from '../../postgres/run-sessions.ts';
import { runTool } from '../../postgres/server-tools.ts';
import { emptyFile, withAccess } from './access.ts';
import { dumpAhead } from './dump.ts';
import { type Destination, excluding } from './making.ts';

/** The definitions that the next database has, in the form of `definitionsTaken`. */
export async function definitionsMade(to: Destination): Promise<string> {
  // pg_dump writes when it needs most memory: what it says is read when that is free again.
  const file = await emptyFile(to.run, 'made.sql');
  const args = [
    '--schema-only',
    ...['--no-owner', '--no-privileges', '--no-security-labels', '--no-tablespaces', '--no-subscriptions'],
    `--file=${file}`,
    ...excluding(to.unreadable),
  ];
  const ahead = async () => {
    await using session = await openStaging(to.run, to.database, dumpSettings);
    return await dumpAhead(
      to.run,
      to.tools,
      session,
      'begin isolation level repeatable read, read only',
      args,
    );
  };
  const directly = () => {
    to.run.signal.throwIfAborted();
    return withAccess(to.run, to.database, (environment, server) =>
      runTool(to.tools, 'pg_dump', args, environment, to.run.signal, server),
    );
  };
  await (transactionOf(to.run) ? directly() : ahead().catch(directly));
  return await readFile(file, 'utf8');
}
