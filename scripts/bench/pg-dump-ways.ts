import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresTools } from '../local/postgres-install.ts';
import { RefreshError } from '../model/errors.ts';
import { runChild } from '../system/child.ts';
import type { Contender, Workplace } from './contender.ts';

/** The documented workflow's steps 5 to 8, with its own flags. */
export const documentedFlow: Contender = {
  key: 'documented',
  title: 'documented flow: pg_dump to a file, psql',
  ours: false,
  owner: 'doadmin',
  async copy(place) {
    const env = place.stagingEnvironment;
    const file = join(place.folder, 'prod_backup.sql');
    const dumpFlags = ['--no-owner', '--no-privileges', '--clean', '--if-exists'];
    await place.tool('pg_dump', [...dumpFlags, '-f', file], { env: place.productionEnvironment });
    const clean = 'DROP SCHEMA public CASCADE; CREATE SCHEMA public;';
    await place.tool('psql', ['-X', '-c', clean], { env });
    const said = await place.tool('psql', ['-X'], { env, input: file });
    // psql goes on after an error and ends with 0: half a copy must not count as a quick one.
    const errors = said.split('\n').filter((line) => line.includes('ERROR:'));
    if (errors.length > 0)
      throw new RefreshError('tool-failed', errors.slice(0, 3).join('; '), { object: 'psql' });
    const count = `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public';`;
    await place.tool('psql', ['-X', '-t', '-c', count], { env });
    return { movedBytes: (await stat(file)).size };
  },
};

/** A directory dump and a restore, both in parallel: as a careful administrator does it, and as pg_dump does by itself. */
export async function directoryDumps(tools: PostgresTools): Promise<Contender[]> {
  const compression = await bestCompression(tools);
  return [
    directoryDump('directory', `pg_dump -Fd -j -Z ${compression}, pg_restore -j`, [
      `--compress=${compression}`,
    ]),
    directoryDump('directory-default', 'pg_dump -Fd -j (its own compression: gzip), pg_restore -j', []),
  ];
}

function directoryDump(key: string, title: string, flags: readonly string[]): Contender {
  return {
    key,
    title,
    ours: false,
    owner: 'doadmin',
    async copy(place) {
      const folder = join(place.folder, 'dump');
      const keepOut = ['--no-owner', '--no-privileges'];
      await place.tool('pg_dump', ['-Fd', `-j${place.jobs}`, ...flags, ...keepOut, '-f', folder], {
        env: place.productionEnvironment,
      });
      await place.tool(
        'pg_restore',
        [`-j${place.jobs}`, ...keepOut, '--exit-on-error', '-d', place.stagingDatabase, folder],
        { env: place.stagingEnvironment },
      );
      return { movedBytes: await folderBytes(folder) };
    },
  };
}

/** pg_dump refuses, before it connects, what it was built without. */
export async function bestCompression(tools: PostgresTools): Promise<string> {
  for (const method of ['zstd', 'lz4']) {
    const args = ['-Fd', `--compress=${method}`, '-f', '/dev/null/nowhere', '--host=/dev/null'];
    const { stderr } = await runChild(join(tools.bindir, 'pg_dump'), args, { env: { LC_ALL: 'C' } });
    if (!/does not support compression|unrecognized compression/.test(stderr)) return method;
  }
  return 'gzip:1';
}

export async function folderBytes(folder: Workplace['folder']): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
