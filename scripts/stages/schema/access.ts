import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StagingRun } from '../../model/run.ts';
import type { ServerAddress } from '../../model/server-address.ts';
import { transactionOf } from '../../postgres/run-sessions.ts';
import { libpqEnvironment } from '../../postgres/server-tools.ts';
import type { Side } from '../../postgres/session.ts';

/** Runs `work` with the environment in which PostgreSQL's programs reach one of staging's databases. */
export async function withAccess<Result>(
  run: StagingRun,
  database: string,
  work: (environment: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  const transaction = transactionOf(run);
  // What nobody else can see yet is seen through the connection that makes it.
  if (transaction) return await transaction.lend(run.temporary, work);
  const { staging } = run.config;
  return await work(libpqEnvironment({ ...staging, database }, await caFile(run, staging, 'staging')));
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
