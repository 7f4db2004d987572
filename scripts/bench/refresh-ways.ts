import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentName } from '../contract.ts';
import { reportSchema } from '../model/report.ts';
import { runChild } from '../system/child.ts';
import type { Contender, Copied, Workplace } from './contender.ts';

export const launcher = fileURLToPath(new URL('../launcher.js', import.meta.url));

/**
 * The engine's own command line: with everything that a refresh does by default, and, where the engine has the flags,
 * with only what the peers do too.
 */
export async function refreshRuns(): Promise<Contender[]> {
  const { stdout } = await runChild(process.execPath, [launcher, 'run', '--help'], {
    env: { PATH: process.env.PATH ?? '' },
  });
  const everything = stdout.includes('--no-artifact')
    ? 'refresh run: copy, artifact, ANALYZE, verification, publish'
    : 'refresh run: copy, ANALYZE, verification, publish';
  const without = ['--no-artifact', '--no-analyze'].filter((flag) => stdout.includes(flag));
  const runs = [refreshRun('refresh', everything, [])];
  if (without.length > 0) runs.push(refreshRun('refresh-copy', `refresh run ${without.join(' ')}`, without));
  return runs;
}

function refreshRun(key: string, title: string, flags: readonly string[]): Contender {
  return { key, title, ours: true, owner: 'app', copy: async (place) => await runRefresh(place, flags) };
}

/** One refresh as the command line does it. */
export async function runRefresh(place: Workplace, flags: readonly string[]): Promise<Copied> {
  const reportFile = join(place.folder, 'refresh-report.json');
  const args = [launcher, 'run', '--jobs', String(place.jobs), '--report', reportFile, ...flags];
  await place.program(process.execPath, args, {
    env: {
      PATH: place.path,
      PG_BINDIR: place.pair.tools.bindir,
      HOME: place.folder,
      TMPDIR: place.folder,
      [environmentName.productionUrl]: place.productionUrl,
      [environmentName.productionCa]: readFileSync(place.pair.production.caFile, 'utf8'),
      [environmentName.stagingUrl]: place.stagingUrl,
      [environmentName.stagingCa]: readFileSync(place.pair.staging.caFile, 'utf8'),
    },
  });
  const report = reportSchema.parse(JSON.parse(await readFile(reportFile, 'utf8')));
  return {
    movedBytes: report.tables.reduce((sum, table) => sum + table.bytes, 0),
    phases: report.phases,
  };
}
