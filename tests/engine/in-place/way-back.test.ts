import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { environmentName } from '../../../scripts/contract.ts';
import { command } from '../../commands/command.ts';
import { contentOf } from '../../support/content.ts';
import { expectRun } from '../../support/engine.ts';
import { as, leavingStagingAlone, makeScenario, scenarioOf } from '../../support/scenario.ts';
import { freshDatabase, servers, testFolder } from '../../support/servers.ts';
import { difference, load, rowsByEnum } from '../../support/whole-dump.ts';

test('--backup-staging keeps every class of object that staging has, and restore brings it back', async () => {
  const both = await servers();
  const production = await freshDatabase(both.production, { prefix: 'prod' });
  const staging = await freshDatabase(both.staging, { prefix: 'stag' });
  await using scenario = await scenarioOf(production, staging);
  await as('app', production, (session) => session.query('create table new (id integer)'));
  await load(staging, 'everything.sql', 'app');
  await as('app', staging, (session) =>
    session.query(`alter database "${staging.name}" set work_mem = '5MB'`),
  );
  // The same once more, since what staging was is gone by the time of comparing.
  const twin = await freshDatabase(both.staging, { prefix: 'twin' });
  await load(twin, 'everything.sql', 'app');
  const folder = join(await testFolder(), 'artifacts');
  // Large objects are their owner's to read.
  const environment = { ...scenario.environment, [environmentName.stagingUrl]: staging.url('postgres') };
  const { report } = await expectRun(environment, [
    ...[
      '--strategy',
      'in-place',
      '--backup-staging',
      '--artifact',
      folder,
      '--verify',
      'checksums',
      '--allow-shrink',
    ],
  ]);
  assert.deepEqual(
    (await contentOf(staging)).tables,
    { 'public.new': '0 0' },
    'staging is production’s copy',
  );
  const backup = report.stagingBackup?.path ?? '';
  assert.equal(dirname(backup), folder);
  assert.match(backup, /staging_backup_\d{8}_\d{6}\.sql\.zst$/);
  assert.equal(readdirSync(folder).filter((name) => /^(prod|staging)_backup_/.test(name)).length, 2);

  await command(environment, ['verify', backup]);
  await command(environment, ['restore', backup]);
  assert.deepEqual(await difference(twin, staging, []), []);
  assert.equal(await rowsByEnum(staging), await rowsByEnum(twin));
  const settings = await as('postgres', staging, (session) =>
    session.query(`select setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
                    where datname = current_database()`),
  );
  assert.deepEqual(settings.rows, [{ setconfig: ['work_mem=5MB'] }]);
});

test('after a run in place rollback says that there is nothing to go back to, and what there is', async () => {
  await using scenario = await makeScenario();
  const { staging, environment } = scenario;
  const oldest = await contentOf(staging);
  await command(environment, ['rollback'], {
    exit: 3,
    says: /there is no earlier database[\s\S]*none with --strategy in-place/,
  });
  const { report } = await expectRun(environment);
  await as('postgres', staging, (session) => session.query('create table since (id integer)'));
  await as('postgres', staging, (session) => session.query('alter table since owner to app'));
  const before = await contentOf(staging);
  const folder = join(await testFolder(), 'artifacts');
  const flags = ['--strategy', 'in-place', '--artifact', folder];
  await expectRun(environment, [...flags, '--backup-staging']);

  const previous = report.published?.previous ?? '';
  await leavingStagingAlone(scenario, async () => {
    const refused = await command(environment, ['rollback'], {
      exit: 3,
      says: new RegExp(
        `the last refresh \\(\\S+, \\S+\\) was in place: there is nothing to go back to[\\s\\S]*HINT: staging as it was before is in staging_backup_\\S+: refresh restore FILE; .* --to ${previous}`,
      ),
    });
    return { ...refused, signal: null, report: undefined, summary: undefined };
  });
  const file = readdirSync(folder).find((name) => name.startsWith('staging_backup_')) ?? '';
  await command(environment, ['restore', join(folder, file), '--keep-previous', '5']);
  assert.deepEqual(await contentOf(staging), before);
  // Now the newest is what the restore replaced.
  await command(environment, ['rollback']);
  assert.deepEqual((await contentOf(staging)).tables, (await contentOf(scenario.production)).tables);
  await command(environment, ['rollback', '--to', previous]);
  assert.deepEqual(await contentOf(staging), oldest);
});
