import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
  const [there, here] = await Promise.all([dump(production), dump(staging)]);
  const [thereSet, hereSet] = [new Set(there), new Set(here)];
  const lines = [
    ...there.filter((line) => !hereSet.has(line)).map((line) => `only in production: ${line}`),
    ...here.filter((line) => !thereSet.has(line)).map((line) => `only in staging: ${line}`),
  ];
  return lines
    .filter((line) => !expected.some((word) => line.includes(word)))
    .map((line) => line.slice(0, 200));
}

async function dump(database: TestDatabase): Promise<string[]> {
  const { tools } = await servers();
  const args = ['--restrict-key=x', `--exclude-table=${byEnum}`];
  const { stdout } = await run(join(tools.bindir, 'pg_dump'), args, {
    env: libpq(database, 'postgres'),
    maxBuffer: 256 * 1024 * 1024,
  });
  // A line that stands twice in one dump has to stand twice in the other.
  const counts = new Map<string, number>();
  return stdout.split('\n').map((line) => {
    const times = (counts.get(line) ?? 0) + 1;
    counts.set(line, times);
    return `${line} #${times}`;
  });
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
