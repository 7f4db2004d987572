import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { environmentName } from '../../scripts/contract.ts';
import { artifactFolder, hasZstd, shell } from '../artifact/programs.ts';
import { command } from '../commands/command.ts';
import { expectFailure, expectRun } from '../support/engine.ts';
import { environment, pair, sql } from '../support/object-pair.ts';
import { maskKey, policyFlags } from '../support/policy.ts';
import { leavingStagingAlone, makeScenario } from '../support/scenario.ts';
import { dropDatabase, freshDatabase, servers, type TestDatabase } from '../support/servers.ts';
import { difference, loadWhatItCan, rowsByEnum } from '../support/whole-dump.ts';

const named = ['PG_BINDIR_PRODUCTION', 'PG_BINDIR_STAGING'].filter((name) => process.env[name]);
const skip =
  named.length > 0
    ? false
    : 'PG_BINDIR_PRODUCTION and PG_BINDIR_STAGING name no other versions: see docs/completeness.md';

test('an older staging, or older programs, are refused before anything is written', { skip }, async (t) => {
  await using scenario = await makeScenario();
  const [there = 0, here = 0] = await Promise.all([scenario.production, scenario.staging].map(versionOf));
  const { tools } = await servers();
  const programs = Number.parseInt(tools.version, 10);
  if (there <= here && here <= programs) return t.skip('these versions go together');
  const refusal =
    here < there
      ? { code: 'version-unsupported', says: /staging runs PostgreSQL \S+, older than production’s/ }
      : { code: 'tool-too-old', says: /pg_dump \S+ cannot read PostgreSQL/ };
  const refused = () => expectFailure(scenario.environment, { exit: 3, ...refusal });
  // The look at what is left takes a pg_dump that can read both.
  if (programs < Math.max(there, here)) await refused();
  else await leavingStagingAlone(scenario, refused);
});

test('between two versions every class of object that an owner can make arrives, in every way', {
  skip,
}, async (t) => {
  const { production, staging } = await pair();
  for (const line of await loadObjects(production, staging)) t.diagnostic(`not there: ${line}`);
  const reading = {
    ...(await environment(production, staging)),
    [environmentName.productionUrl]: production.url('postgres'),
  };
  await everyWay(t, production, staging, reading);
});

test('between two versions, from superuser to superuser', { skip }, async (t) => {
  const { production, staging } = await pair();
  await loadObjects(production, staging);
  for (const line of await loadWhatItCan(production, 'superuser.sql', 'postgres'))
    t.diagnostic(`not there: ${short(line)}`);
  const asSuperuser = {
    ...(await environment(production, staging)),
    [environmentName.productionUrl]: production.url('postgres'),
    [environmentName.stagingUrl]: staging.url('postgres'),
  };
  await everyWay(t, production, staging, asSuperuser);
});

/** Returns what production's version has no words for. */
async function loadObjects(production: TestDatabase, staging: TestDatabase): Promise<string[]> {
  const refused: string[] = [];
  for (const file of ['everything.sql', 'further.sql', 'unlisted.sql'])
    refused.push(...(await loadWhatItCan(production, file, 'app')));
  const [there, here] = await Promise.all([production, staging].map(versionOf));
  if (there && there >= 18) refused.push(...(await loadWhatItCan(production, 'eighteen.sql', 'app')));
  // Known limits (docs/completeness.md): what pg_dump says of it, or what public's owner alone may, is nothing for 14.
  if (here && here < 15)
    await sql(
      production,
      `comment on schema public is 'standard public schema'; drop table app.ident_small, app.unl cascade`,
    );
  const [compression] = await sql(
    staging,
    `select 'lz4' = any (enumvals) as lz4 from pg_settings where name = 'default_toast_compression'`,
  );
  // lz4 is a build's own choice: a column that is made with it is nothing for a server without.
  if (!compression?.lz4) await sql(production, 'drop table if exists app.lz');
  return refused.map(short);
}

async function versionOf(database: TestDatabase): Promise<number> {
  const [row] = await sql(database, `select current_setting('server_version_num')::int / 10000 as major`);
  return Number(row?.major);
}

/** Swap, restore, rollback, psql, binary, in place, masked: each has to give what the first gave. */
async function everyWay(
  t: TestContext,
  production: TestDatabase,
  staging: TestDatabase,
  reading: Record<string, string>,
): Promise<void> {
  const look = async (database: TestDatabase) => {
    assert.equal(await rowsByEnum(production), await rowsByEnum(database));
    return await difference(production, database, []);
  };
  const folder = await artifactFolder();
  const flags = ['--verify', 'checksums', '--rehearse', '--artifact', folder];
  const { report } = await expectRun(reading, flags);
  for (const line of report.warnings) t.diagnostic(`warning: ${line}`);
  for (const { object, reason } of report.leftOut) t.diagnostic(`left out: ${object}: ${reason}`);
  const otherwise = await look(staging);
  for (const line of otherwise) t.diagnostic(line);
  assert.deepEqual(
    otherwise.filter((line) => /^only in \w+: -- (Name|Data for Name): /.test(line) && !isLeftOut(line)),
    [],
    'each object and each table’s rows are there',
  );
  const file = report.artifact?.path ?? '';
  await command(reading, ['verify', file]);
  await command(reading, ['restore', file]);
  assert.deepEqual(await look(staging), otherwise, 'restore');
  await command(reading, ['rollback']);
  assert.deepEqual(await look(staging), otherwise, 'rollback');
  if (hasZstd) {
    const byHand = await freshDatabase(staging.server, { prefix: 'hand' });
    await shell(byHand, 'zstd -dc "$FILE" | psql -X -v ON_ERROR_STOP=1', file);
    await dropDatabase(byHand);
  }
  await expectRun(reading, ['--no-artifact', '--verify', 'checksums']);
  assert.deepEqual(await look(staging), otherwise, 'binary');
  const inPlace = ['--strategy', 'in-place', '--no-artifact', '--verify', 'checksums'];
  const { report: second } = await expectRun(reading, inPlace);
  for (const line of second.warnings) t.diagnostic(`in place: warning: ${line}`);
  assert.deepEqual(await look(staging), otherwise, 'in place');
  const policy = await policyFlags(masking);
  const masked = { ...reading, [environmentName.maskKey]: maskKey };
  await command(masked, ['plan', ...policy]);
  await expectRun(masked, [...policy, '--verify', 'checksums', '--rehearse', '--artifact', folder]);
  assert.deepEqual(await sql(staging, 'select count(*)::int from app.options'), [{ count: 0 }]);
}

const masking = `version: 1
tables:
  app.texts: { mask: { t: text } }
  app.indexed: { where: "id < 100" }
  app.options: { treatment: schema-only }
  app.wide: { treatment: exclude }
  app.odd_types: { mask: { ip: ip, net: { keep: "a network of nobody’s" } } }
`;

/** Named in the report; and public, which in 14 belongs to the superuser and not to a database's owner. */
const isLeftOut = (line: string) =>
  /Name: (SCHEMA )?public; |Type: (SUBSCRIPTION|USER MAPPING)|Name: (USER MAPPING|SUBSCRIPTION)|Name: seen_(elsewhere|through); Type: MATERIALIZED VIEW DATA/.test(
    line,
  );

const short = (line: string) => line.slice(0, 200);
