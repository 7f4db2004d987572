import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentName } from '../contract.ts';
import { reportSchema } from '../model/report.ts';
import type { Contender, Copied, Workplace } from './contender.ts';

export const launcher = fileURLToPath(new URL('../launcher.js', import.meta.url));

/** The engine's own command line: with everything that a refresh does, and with less of it, down to what the peers do. */
export const refreshRuns: readonly Contender[] = [
  refreshRun('refresh', 'refresh run: copy, artifact, ANALYZE, verification, publish', []),
  refreshRun('refresh-no-artifact', 'refresh run --no-artifact', ['--no-artifact']),
  refreshRun('refresh-copy', 'refresh run --no-artifact --no-analyze', ['--no-artifact', '--no-analyze']),
];

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
