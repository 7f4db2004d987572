import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { libpq } from './libpq.ts';
import type { TestDatabase } from './servers.ts';

const run = promisify(execFile);

/** What PostgreSQL's own tests need to be run by psql alone (pg_regress.c, `psql_start_test`). */
export interface RegressionTests {
  /** `src/test/regress` of PostgreSQL's sources, with `regress.so` built in it. */
  readonly source: string;
  /** The servers' own libraries, of which the tests use two. */
  readonly serverLibraries: string;
  /** Where tests write, and where the libraries are gathered; the servers' account has to reach it. */
  readonly scratch: string;
  readonly bindir: string;
}

/**
 * Runs PostgreSQL's regression tests in a database, one after the other. Whether their answers are those expected is
 * PostgreSQL's own business: what counts here is what they leave behind.
 *
 * @returns the tests that ended with their connection: a test that is newer than the server may crash it.
 */
export async function fillRegressionDatabase(
  database: TestDatabase,
  tests: RegressionTests,
): Promise<string[]> {
  const { source, scratch } = tests;
  const libraries = join(scratch, 'lib');
  for (const folder of [libraries, join(scratch, 'results')]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o777);
  }
  await copyFile(join(source, 'regress.so'), join(libraries, 'regress.so'));
  for (const name of ['autoinc.so', 'refint.so'])
    await copyFile(join(tests.serverLibraries, name), join(libraries, name));
  const environment = {
    ...libpq(database, 'postgres'),
    PG_ABS_SRCDIR: source,
    PG_ABS_BUILDDIR: scratch,
    PG_LIBDIR: libraries,
    PG_DLSUFFIX: '.so',
    PGTZ: 'America/Los_Angeles',
    PGDATESTYLE: 'Postgres, MDY',
    PGOPTIONS: '-c intervalstyle=postgres_verbose',
  };
  const psql = ['-X', '-a', '-q', '-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on'];
  const broken: string[] = [];
  for (const name of await schedule(source)) {
    const args = [...psql, '-f', join(source, 'sql', `${name}.sql`), '-o', '/dev/null'];
    const options = {
      env: environment,
      cwd: scratch,
      maxBuffer: 256 * 1024 * 1024,
      encoding: 'buffer',
    } as const;
    const status = await run(join(tests.bindir, 'psql'), args, options).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    if (status !== connectionLost) continue;
    broken.push(name);
    await untilReady(database, tests.bindir);
  }
  return broken;
}

/** psql's exit status (manual, psql, "Exit Status"); 1 is a fatal error of its own, and tests provoke the other errors. */
const connectionLost = 2;

async function untilReady(database: TestDatabase, bindir: string): Promise<void> {
  const select = ['-X', '-q', '-c', 'select 1', '-o', '/dev/null'];
  for (let tries = 0; tries < 300; tries++) {
    try {
      await run(join(bindir, 'psql'), select, { env: libpq(database, 'postgres') });
      return;
    } catch {
      await sleep(200);
    }
  }
  throw new Error('the server did not come back');
}

async function schedule(source: string): Promise<string[]> {
  const text = await readFile(join(source, 'parallel_schedule'), 'utf8');
  return [...text.matchAll(/^test: (.*)$/gm)].flatMap(([, names = '']) => names.trim().split(/\s+/));
}
