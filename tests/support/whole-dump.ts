import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dumpDifference } from './dump-difference.ts';
import { libpq } from './libpq.ts';
import { as } from './scenario.ts';
import { servers, type TestDatabase } from './servers.ts';

const run = promisify(execFile);

/** Hash partitions keyed by an enum: a row may lie in another partition there, so they are compared as one table. */
const byEnum = 'app.by_enum*';

/** Runs one of the files with an object of every class, as the role that they are for. */
export async function load(database: TestDatabase, file: string, user: 'app' | 'postgres'): Promise<void> {
  await psql(database, file, user, true);
}

/**
 * The same on a server of another version, which may lack words that the file has.
 *
 * @returns what it said to those, with their lines.
 */
export async function loadWhatItCan(
  database: TestDatabase,
  file: string,
  user: 'app' | 'postgres',
): Promise<string[]> {
  const said = await psql(database, file, user, false);
  return [...said.matchAll(/^psql:.*\/(.*: ERROR: .*)$/gm)].map(([, line = '']) => line);
}

async function psql(
  database: TestDatabase,
  file: string,
  user: 'app' | 'postgres',
  stops: boolean,
): Promise<string> {
  const { tools } = await servers();
  const path = fileURLToPath(new URL(`../engine/objects/${file}`, import.meta.url));
  const args = ['--quiet', '--no-psqlrc', `--set=ON_ERROR_STOP=${stops ? 1 : 0}`, '--output=/dev/null'];
  const { stderr } = await run(join(tools.bindir, 'psql'), [...args, '--file', path], {
    env: libpq(database, user),
  });
  return stderr;
}

/** Lines of the two databases' whole dumps that differ; those about `expected` are left out. */
export async function difference(
  production: TestDatabase,
  staging: TestDatabase,
  expected: readonly string[],
): Promise<string[]> {
  const lines = await dumpDifference(production, staging, [`--exclude-table=${byEnum}`]);
  return lines.filter((line) => !expected.some((word) => line.includes(word)));
}

/** Rows of the partitions that whole dumps leave out. */
export async function rowsByEnum(database: TestDatabase): Promise<string | undefined> {
  return await as('postgres', database, async (session) => {
    const { rows } = await session.query<{ rows: string }>(
      `select count(*) || ' ' || md5(string_agg(m::text || n, ',' order by m, n)) as rows from app.by_enum`,
    );
    return rows[0]?.rows;
  });
}
