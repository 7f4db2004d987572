import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectFailure, expectRun } from '../support/engine.ts';
import { as, makeScenario } from '../support/scenario.ts';
import { testFolder } from '../support/servers.ts';
import { command } from './command.ts';

test('runs are remembered beside the artifacts and in staging, and plan estimates by the last one', async () => {
  await using scenario = await makeScenario();
  const { environment, production } = scenario;
  const folder = await mkdtemp(join(await testFolder(), 'artifacts-'));
  const kept = ['--artifact', folder];
  const { report } = await expectRun(environment, kept);
  await as('app', production, (session) =>
    session.query(`insert into customers (name) select 'new ' || g from generate_series(1, 50) g`),
  );
  await expectRun(environment, kept);
  await expectFailure(
    { ...environment, PRODUCTION_DB_URL: 'postgresql://u:p@127.0.0.1:1/d' },
    { exit: 3, code: 'host-unreachable' },
    kept,
  );

  const said = await command(environment, ['history', ...kept]);
  const lines = said.stdout.split('\n');
  assert.match(lines[0] ?? '', /^finished +outcome +rows +data +time$/);
  assert.match(lines[1] ?? '', / UTC +published +2,050 /);
  assert.match(lines[2] ?? '', / UTC +published +2,100 +\+2 % /);
  assert.match(lines[3] ?? '', / UTC +failed: host-unreachable/);
  assert.match(said.stdout, /too few published runs for a trend/);

  const { stdout } = await command(environment, ['plan', ...kept]);
  assert.match(stdout, /^time: about .* \(the run of \d{4}-\d\d-\d\d \d\d:\d\d UTC took .* s\)$/m);

  // Another machine knows what staging remembers: the published runs.
  await rm(folder, { recursive: true });
  const { runs } = JSON.parse((await command(environment, ['history', '--json', ...kept])).stdout);
  assert.deepEqual(
    runs.map(({ outcome, rows }: { outcome: string; rows: number }) => [outcome, rows]),
    [
      ['published', 2050],
      ['published', 2100],
    ],
  );
  assert.equal(runs[0].runId, report.runId);

  await command(environment, ['rollback']);
  const after = (await command(environment, ['history', ...kept])).stdout;
  assert.match(after, / UTC +rolled back to \d{4}-\d\d-\d\d \d\d:\d\d UTC$/m);
  const content = JSON.parse((await command(environment, ['history', '--json', ...kept])).stdout);
  assert.equal(content.content, report.runId, 'the rows of the refresh before the last one');
});

test('the page stands beside the report, and a failed run has one too', async () => {
  await using scenario = await makeScenario();
  const folder = await mkdtemp(join(await testFolder(), 'reports-'));
  const reportFile = join(folder, 'last.json');
  await command(scenario.environment, ['run', '--report', reportFile, '--no-artifact']);
  assert.match(await readFile(join(folder, 'last.html'), 'utf8'), /✓ Staging is refreshed/);
  await command(
    { ...scenario.environment, PRODUCTION_DB_URL: 'postgresql://u:p@127.0.0.1:1/d' },
    ['run', '--report', reportFile],
    {
      exit: 3,
    },
  );
  assert.match(await readFile(join(folder, 'last.html'), 'utf8'), /✗ Not refreshed: staging is as it was/);
});

test('history without staging and without reports says so', async () => {
  const { stdout } = await command({}, ['history']);
  assert.match(stdout, /^no run is remembered/);
});
