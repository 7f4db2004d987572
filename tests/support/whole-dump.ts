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
  await psql(
    database,
    ['--file', fileURLToPath(new URL(`../engine/objects/${file}`, import.meta.url))],
    user,
  );
}

async function psql(
  database: TestDatabase,
  args: readonly string[],
  user: 'app' | 'postgres',
): Promise<void> {
  const { tools } = await servers();
  const options = ['--quiet', '--no-psqlrc', '--set=ON_ERROR_STOP=1', '--output=/dev/null'];
  await run(join(tools.bindir, 'psql'), [...options, ...args], { env: libpq(database, user) });
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
