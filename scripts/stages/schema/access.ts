import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagingRun } from '../../model/run.ts';
import type { ServerAddress } from '../../model/server-address.ts';
import type { Side } from '../../model/servers.ts';
import { spoken, transactionOf } from '../../postgres/run-sessions.ts';
import { libpqEnvironment, type Spoken } from '../../postgres/server-tools.ts';

/** Runs `work` with the environment in which PostgreSQL's programs reach one of staging's databases, and that server. */
export async function withAccess<Result>(
  run: StagingRun,
  database: string,
  work: (environment: Readonly<Record<string, string>>, server?: Spoken) => Promise<Result>,
): Promise<Result> {
  const transaction = transactionOf(run);
  // What nobody else can see yet is seen through the connection that makes it.
  if (transaction) return await transaction.lend(run.temporary, work);
  const { staging } = run.config;
  const address = { ...staging, database };
  const environment = libpqEnvironment(address, await caFile(run, staging, 'staging'));
  return await work(environment, spoken(run, address, 'staging'));
}

/** The server's CA in the run's folder; undefined where the system's authorities are meant. */
export async function caFile(
  run: StagingRun,
  { ca }: ServerAddress,
  side: Side,
): Promise<string | undefined> {
  if (!ca) return undefined;
  const file = join(run.temporary, `${side}-ca.pem`);
  await writeFile(file, ca, { mode: 0o600 });
  return file;
}

/** A conninfo string, since a bare name with `=` in it would be read as one; everything else is in the environment. */
export function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** For pg_restore when it only reads a file. */
export function bareEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', PGCLIENTENCODING: 'UTF8' };
}

/** For a program to write to: one that it made itself could be read by others, and one that is there keeps its mode. */
export async function emptyFile(run: StagingRun, name: string): Promise<string> {
  const file = join(run.temporary, name);
  await writeFile(file, '', { mode: 0o600 });
  return file;
}
