import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { reportSchema } from '../../scripts/model/report.ts';
import { openArtifact } from '../../scripts/stages/artifact-file.ts';
import { artifactFolder, dumpLines, hasAge, hasZstd, shell } from '../artifact/programs.ts';
import { contentOf } from '../support/content.ts';
import { as, databasesBeside, makeScenario } from '../support/scenario.ts';
import { dropDatabase, freshDatabase } from '../support/servers.ts';
import { artifactOf, stagingOnly } from './artifact-of.ts';
import { command } from './command.ts';

test('--artifact-content full: production in clear for the recipient, and only through the policy into staging', async () => {
  await using scenario = await makeScenario();
  const { staging, environment, production } = scenario;
  await as('app', production, (session) =>
    session.query(`create table secrets (id int primary key); insert into secrets values (7);
      do $$ begin execute format('grant select on large object %s to reader', lo_from_bytea(0, 'of production')); end $$`),
  );
  const folder = await artifactFolder();
  const policy = join(folder, 'policy.yaml');
  writeFileSync(
    policy,
    `version: 1
unlisted: copy
large-objects: exclude
tables:
  public.customers: { treatment: copy, mask: { name: { fixed: "somebody" } } }
  public.orders: { treatment: copy, where: "id <= 100" }
  public.secrets: { treatment: exclude }
`,
  );
  const full = ['--policy', policy, '--artifact', folder, '--artifact-content', 'full'];
  await command(environment, ['run', ...full], { exit: 2, says: /for a recipient only/ });
  const identity = await generateX25519Identity();
  const flags = [
    ...full,
    '--recipient',
    await identityToRecipient(identity),
    '--report',
    join(folder, 'r.json'),
  ];
  await command(environment, ['run', ...flags]);
  const published = await dumpLines(staging);
  assert(published.some((line) => line.includes('somebody')));
  const file =
    reportSchema.parse(JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8'))).artifact?.path ?? '';
  assert.match(file, /_full\.sql\.zst\.age$/);
  await using reader = await openArtifact(file, { REFRESH_AGE_IDENTITY: identity });
  assert(
    reader.index.pieces.some(({ kind }) => kind === 'large-objects'),
    'the policy is staging’s alone',
  );
  const withKey = { ...stagingOnly(environment), REFRESH_AGE_IDENTITY: identity };
  const { stdout } = await command(withKey, ['verify', file, '--json']);
  assert.equal(JSON.parse(stdout).verification.rows, 2051);
  await command(withKey, ['restore', file], { exit: 2, says: /no staging may have/ });
  await as('postgres', staging, (session) => session.query('drop table orders cascade'));
  await command(withKey, ['restore', file, '--policy', policy]);
  assert.deepEqual(await dumpLines(staging), published);
  assert.deepEqual(await databasesBeside(staging, 'next_'), []);
});

test('an encrypted artifact: stock age opens it, restore reads it with the identity and not without', async (t) => {
  await using scenario = await makeScenario();
  const { environment, staging } = scenario;
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const file = await artifactOf(scenario, ['--recipient', recipient]);
  assert.match(file, /\.sql\.zst\.age$/);
  assert.equal(readFileSync(file).subarray(0, 21).toString(), 'age-encryption.org/v1');
  const published = await contentOf(staging);
  await as('app', staging, (session) => session.query('drop table orders cascade'));
  await command(environment, ['restore', file], { exit: 2, says: /no identity is given/ });
  const stranger = { ...environment, REFRESH_AGE_IDENTITY: await generateX25519Identity() };
  await command(stranger, ['restore', file], { exit: 2, says: /does not open this file/ });
  await command({ ...environment, REFRESH_AGE_IDENTITY: identity }, ['restore', file]);
  assert.deepEqual(await contentOf(staging), published);
  await t.test('age -d and zstd and psql', async (t) => {
    if (!hasAge || !hasZstd) return t.skip('there is no age or no zstd program on this machine');
    const key = join(await artifactFolder(), 'key.txt');
    writeFileSync(key, `${identity}\n`, { mode: 0o600 });
    const byHand = await freshDatabase(staging.server, { prefix: 'hand' });
    const said = await shell(
      byHand,
      `age -d -i '${key}' "$FILE" | zstd -dc | psql -X -v ON_ERROR_STOP=1`,
      file,
    );
    assert.match(said, /complete: 2050 rows/);
    assert.deepEqual(await dumpLines(byHand), await dumpLines(staging));
    await dropDatabase(byHand);
  });
});
