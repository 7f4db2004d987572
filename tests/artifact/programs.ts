import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scanDump } from '../../scripts/artifact/dump-scanner.ts';
import { ArtifactReader } from '../../scripts/artifact/reader.ts';
import { decompressFrames } from '../../scripts/artifact/zstd-stream.ts';
import { libpq } from '../support/libpq.ts';
import { as } from '../support/scenario.ts';
import { servers, type TestDatabase, testFolder } from '../support/servers.ts';

const run = promisify(execFile);

const everything = fileURLToPath(new URL('../engine/objects/everything.sql', import.meta.url));

/** Whether stock zstd is on this machine: what it does is what has to work at three in the morning. */
export const hasZstd = !spawnSync('zstd', ['--version']).error;
export const hasAge = !spawnSync('age', ['--version']).error;

export async function artifactFolder(): Promise<string> {
  return await mkdtemp(join(await testFolder(), 'artifacts-'));
}

/** Makes every class of object that an owner can make, and lets the reader see it all. */
export async function loadEverything(database: TestDatabase): Promise<void> {
  const { tools } = await servers();
  const options = [
    '--quiet',
    '--no-psqlrc',
    '--set=ON_ERROR_STOP=1',
    '--output=/dev/null',
    '--file',
    everything,
  ];
  await run(join(tools.bindir, 'psql'), options, { env: libpq(database, 'app') });
  await as('postgres', database, (session) =>
    session.query(`do $$ declare lo oid; begin
       for lo in select oid from pg_largeobject_metadata loop
         execute format('grant select on large object %s to reader', lo);
       end loop; end $$`),
  );
}

/** A shell line with psql on the PATH and the database in libpq's environment, as the runbook has it. */
export async function shell(database: TestDatabase, line: string, file: string): Promise<string> {
  const { tools } = await servers();
  const env = libpq(database, 'postgres');
  const { stdout } = await run('bash', ['-c', `set -o pipefail; ${line}`, file], {
    env: { ...env, PATH: `${tools.bindir}:${env.PATH}`, FILE: file },
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}

/** Rows of the materialized views, which no dump holds. */
export async function viewRows(database: TestDatabase): Promise<string> {
  return await as('postgres', database, async (session) => {
    const { rows } = await session.query<{ name: string }>(
      `select format('%I.%I', schemaname, matviewname) as name from pg_matviews where ispopulated order by 1`,
    );
    const content: string[] = [];
    for (const { name } of rows) {
      const hashed = await session.query<{ hash: string }>(
        `select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) as hash from ${name} as t`,
      );
      content.push(`${name} ${hashed.rows[0]?.hash}`);
    }
    return content.join('\n');
  });
}

/** Every line of a whole dump, sorted; a line that stands twice in one has to stand twice in the other. */
export async function dumpLines(
  database: TestDatabase,
  args: readonly string[] = ['--no-owner', '--no-privileges'],
): Promise<string[]> {
  const { tools } = await servers();
  const { stdout } = await run(
    join(tools.bindir, 'pg_dump'),
    // Hash partitions keyed by an enum: a row may lie in another partition.
    ['--restrict-key=x', '--load-via-partition-root', ...args],
    { env: libpq(database, 'postgres'), maxBuffer: 512 * 1024 * 1024 },
  );
  return (
    stdout
      .split('\n')
      // Large objects stand in groups, one for each owner and set of privileges.
      .filter((line) => !line.startsWith('--') && !['', 'BEGIN;', 'COMMIT;'].includes(line))
      .sort()
  );
}

/** How many statements each frame with SQL has, decompressed by itself. @throws where one ends in the middle of something. */
export async function statementsOfFrames(file: string): Promise<number[]> {
  await using reader = await ArtifactReader.open(file, undefined);
  const bytes = await readFile(file);
  const counts: number[] = [];
  for (const { kind, frame } of reader?.index.pieces ?? []) {
    if (kind === 'archive') continue;
    const alone = Readable.from([bytes.subarray(frame.offset, frame.offset + frame.length)]);
    let count = 0;
    for await (const item of scanDump(decompressFrames(alone, file), file))
      if (item.kind === 'statement') count++;
    counts.push(count);
  }
  return counts;
}

/** Lines that one dump has more often than the other: assert's own comparison of so many takes minutes. */
export function differing(some: readonly string[], others: readonly string[]): string[] {
  const times = new Map<string, number>();
  for (const line of some) times.set(line, (times.get(line) ?? 0) + 1);
  for (const line of others) times.set(line, (times.get(line) ?? 0) - 1);
  return [...times].flatMap(([line, count]) => (count === 0 ? [] : [`${count} ${line.slice(0, 200)}`]));
}
