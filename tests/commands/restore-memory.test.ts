import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { buildFromArtifact } from '../../scripts/commands/restore/from-artifact.ts';
import { placeBeside } from '../../scripts/commands/restore/place.ts';
import { withRun } from '../../scripts/commands/run-scope.ts';
import { openBackup } from '../../scripts/stages/artifact-file.ts';
import { readStagingConfig } from '../../scripts/stages/config.ts';
import { preflightStaging } from '../../scripts/stages/preflight/staging.ts';
import { openLog } from '../../scripts/system/log.ts';
import { packed } from '../../scripts/system/packed.ts';
import { giveAllBack } from '../../scripts/system/short-lived-memory.ts';
import { makeScenario } from '../support/scenario.ts';
import { artifactOf } from './artifact-of.ts';

// Of 10,000 tables it is 35 MB, beside pg_dump's 85.
test('what an artifact says of its tables is let go before the copy’s definitions are compared', async () => {
  await using scenario = await makeScenario();
  const file = await artifactOf(scenario);
  const config = readStagingConfig({}, scenario.environment);
  using log = openLog({ isTTY: false, write: () => true } as unknown as NodeJS.WriteStream);
  await withRun(config, log, async (run) => {
    const backup = await openBackup(file, scenario.environment);
    assert(backup.kind === 'artifact');
    await using reader = backup.reader;
    const index = new WeakRef(reader.index);
    const { server, maintenance } = await preflightStaging(run);
    await using _maintenance = maintenance;
    const tell = { phase: () => undefined, loaded: () => undefined };
    const built = await buildFromArtifact(placeBeside(run, server, maintenance), reader, tell);
    await turn();
    giveAllBack();
    assert.equal(index.deref(), undefined, 'somebody keeps the index');
    await built.site.discard();
  });
});

test('what is packed is read again as it was, as often as it is wanted', () => {
  const value = { names: new Map([['a', true]]), list: ['ä', null, 1] };
  const again = packed(value);
  assert.deepEqual([again(), again()], [value, value]);
});
