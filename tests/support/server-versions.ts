import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresTools } from '../../scripts/local/postgres-install.ts';

/**
 * The programs of one server of the pair. `PG_BINDIR_PRODUCTION` and `PG_BINDIR_STAGING` name folders with those of
 * another version than the clients in `PG_BINDIR`: so every test can be run across versions (docs/versions.md).
 */
export async function serverPrograms(
  name: 'production' | 'staging',
  clients: PostgresTools,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<PostgresTools> {
  const bindir = environment[`PG_BINDIR_${name.toUpperCase()}`];
  if (!bindir) return clients;
  const { stdout } = await promisify(execFile)(join(bindir, 'postgres'), ['--version']);
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (!version) throw new Error(`${bindir}: no version in "${stdout.trim()}"`);
  return { bindir, version, origin: 'PG_BINDIR' };
}
