import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentName } from '../contract.ts';
import type { PostgresTools } from '../local/postgres-install.ts';
import { RefreshError } from '../model/errors.ts';
import { reportSchema } from '../model/report.ts';
import type { Contender, Workplace } from './contender.ts';
import { bestCompression, folderBytes } from './pg-dump-ways.ts';
import { launcher, runRefresh } from './refresh-ways.ts';

/** From a backup that lies there already into an empty staging: the backup is made before anything is measured. */
export async function restoreWays(tools: PostgresTools): Promise<Contender[]> {
  return [pgRestore(await bestCompression(tools)), refreshRestore];
}

/** As PostgreSQL's own tools do it. */
function pgRestore(compression: string): Contender {
  return {
    key: 'pg_restore',
    title: `pg_restore -j of a directory dump (${compression})`,
    ours: false,
    owner: 'doadmin',
    async prepare(place) {
      await place.tool(
        'pg_dump',
        [
          '-Fd',
          `-j${place.jobs}`,
          `--compress=${compression}`,
          ...keepOut,
          '-f',
          join(place.prepared, 'dump'),
        ],
        { env: place.productionEnvironment },
      );
    },
    async copy(place) {
      const folder = join(place.prepared, 'dump');
      await place.tool(
        'pg_restore',
        [`-j${place.jobs}`, ...keepOut, '--exit-on-error', '-d', place.stagingDatabase, folder],
        { env: place.stagingEnvironment },
      );
      return { movedBytes: await folderBytes(folder) };
    },
  };
}

const keepOut = ['--no-owner', '--no-privileges'];

const refreshRestore: Contender = {
  key: 'restore',
  title: 'refresh restore: proof, load, ANALYZE, verification, publish',
  ours: true,
  owner: 'app',
  async prepare(place) {
    await runRefresh(place, ['--artifact', place.prepared]);
  },
  async copy(place) {
    const file = await artifactIn(place);
    const reportFile = join(place.folder, 'refresh-report.json');
    await place.program(
      process.execPath,
      [launcher, 'restore', file, '--jobs', String(place.jobs), '--report', reportFile],
      {
        env: {
          PATH: place.path,
          PG_BINDIR: place.pair.tools.bindir,
          HOME: place.folder,
          TMPDIR: place.folder,
          [environmentName.stagingUrl]: place.stagingUrl,
          [environmentName.stagingCa]: readFileSync(place.pair.staging.caFile, 'utf8'),
        },
      },
    );
    const { phases } = reportSchema.parse(JSON.parse(await readFile(reportFile, 'utf8')));
    return { movedBytes: (await stat(file)).size, phases };
  },
};

async function artifactIn({ prepared }: Workplace): Promise<string> {
  const name = (await readdir(prepared)).find((one) => one.endsWith('.sql.zst'));
  if (name) return join(prepared, name);
  throw new RefreshError('bad-file', 'there is no artifact', { object: prepared });
}
