import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import {
  artifactFolder,
  differing,
  dumpLines,
  hasZstd,
  loadEverything,
  shell,
  statementsOfFrames,
  viewRows,
} from '../artifact/programs.ts';
import { expectRun } from '../support/engine.ts';
import { as, makeScenario, type Scenario, scenarioOf } from '../support/scenario.ts';
import { dropDatabase, freshDatabase, sampleDatabase, servers } from '../support/servers.ts';
import { load } from '../support/whole-dump.ts';

test('stock zstd and psql make the same database of it: the sample business', async (t) => {
  if (!hasZstd) return t.skip('there is no zstd program on this machine');
  const { staging: server } = await servers();
  await using scenario = await scenarioOf(
    await sampleDatabase(),
    await freshDatabase(server, { prefix: 'stag' }),
  );
  // A habit of many, with which psql undoes at its end what nobody has committed.
  await equalByHand(scenario, '\\set AUTOCOMMIT off\n\\timing on\nset search_path = nowhere;\n');
});

test('stock zstd and psql make the same database of it: every class of object, whatever the database and psql are set to', async (t) => {
  if (!hasZstd) return t.skip('there is no zstd program on this machine');
  await using scenario = await makeScenario('');
  const { production, environment } = scenario;
  await loadEverything(production);
  await load(production, 'further.sql', 'app');
  await load(production, 'unlisted.sql', 'app');
  await as('postgres', production, (session) =>
    session.query(String.raw`
      create table public."ünï ""x\y' $$" (id integer primary key, v text default E'x\\y''z', list integer[]);
      insert into public."ünï ""x\y' $$" values (1, E'a\\b''c\n\td\n\\.\n', array[1, null]);
      create sequence public."s$$$$ x\" start 7`),
  );
  const reading = { ...environment, [environmentName.productionUrl]: production.url('postgres') };
  await equalByHand(
    { ...scenario, environment: reading },
    '\\set QUIET on\n\\pset format unaligned\n\\encoding LATIN1\n',
    odd,
  );
});

/** What somebody may have said in ALTER DATABASE, and what would change a script's meaning or end it. */
const odd = [
  'standard_conforming_strings = off',
  'search_path = nowhere, app',
  `datestyle = 'German, DMY'`,
  'intervalstyle = iso_8601',
  'bytea_output = escape',
  `client_encoding = 'EUC_JP'`,
  'default_transaction_read_only = on',
  'array_nulls = off',
  'transform_null_equals = on',
  'quote_all_identifiers = on',
  'check_function_bodies = on',
] as const;

/** Refreshes, then restores the artifact as a person does at three in the morning, and compares. */
async function equalByHand(
  { environment, staging }: Scenario,
  psqlrc: string,
  settings: readonly string[] = [],
): Promise<void> {
  const { report } = await expectRun(environment, ['--artifact', await artifactFolder(), '--jobs', '4']);
  const byHand = await freshDatabase(staging.server, { prefix: 'hand' });
  await as('postgres', byHand, async (session) => {
    for (const setting of settings) await session.query(`alter database "${byHand.name}" set ${setting}`);
  });
  const home = await artifactFolder();
  writeFileSync(join(home, '.psqlrc'), psqlrc);
  const line = `export HOME='${home}'; zstd -dc "$FILE" | psql -v ON_ERROR_STOP=1`;
  const file = report.artifact?.path ?? '';
  const said = await shell(byHand, line, file);
  assert.match(said, /complete: \d+ rows in \d+ tables, as of /);
  await as('postgres', staging, (session) => session.query(`alter database "${byHand.name}" reset all`));
  assert.deepEqual(differing(await dumpLines(byHand), await dumpLines(staging)), []);
  assert.equal(await viewRows(byHand), await viewRows(staging));
  const statements = await statementsOfFrames(file);
  assert(statements.length > 10 && statements.every((count) => count > 0), 'a frame is no SQL by itself');
  await dropDatabase(byHand);
}
