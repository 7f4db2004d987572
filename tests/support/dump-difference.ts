import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { libpq } from './libpq.ts';
import { servers, type TestDatabase } from './servers.ts';

/**
 * Lines of two databases' whole dumps, rows and owners and privileges included, that one has and the other lacks.
 *
 * @param options of pg_dump.
 */
export async function dumpDifference(
  production: TestDatabase,
  staging: TestDatabase,
  options: readonly string[] = [],
): Promise<string[]> {
  const [there, here] = await Promise.all([dump(production, options), dump(staging, options)]);
  const [thereSet, hereSet] = [new Set(there), new Set(here)];
  return [
    ...there.filter((line) => !hereSet.has(line)).map((line) => `only in production: ${line}`),
    ...here.filter((line) => !thereSet.has(line)).map((line) => `only in staging: ${line}`),
  ].map((line) => line.slice(0, 200));
}

async function dump(database: TestDatabase, options: readonly string[]): Promise<string[]> {
  const { tools } = await servers();
  const { stdout } = await promisify(execFile)(
    join(tools.bindir, 'pg_dump'),
    ['--restrict-key=x', ...options],
    { env: libpq(database, 'postgres'), maxBuffer: 512 * 1024 * 1024, encoding: 'latin1' },
  );
  // A line that stands twice in one dump has to stand twice in the other.
  const counts = new Map<string, number>();
  // Marks of the server's own, which an older pg_dump takes for the user's: see servers-own-options.ts.
  const users = stdout
    .replaceAll(/(?:, )?\bpg_attver=\d+(?:, )?/g, '')
    .replaceAll(/ALTER (?:FOREIGN )?TABLE ONLY (?:(?!;\n)[\s\S])*? SET \(\);\n/g, '');
  return users.split('\n').map((line) => {
    const times = (counts.get(line) ?? 0) + 1;
    counts.set(line, times);
    return `${line} #${times}`;
  });
}
