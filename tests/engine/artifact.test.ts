import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { artifactFolder, dumpLines } from '../artifact/programs.ts';
import { filesIn } from '../support/artifact-folder.ts';
import { expectFailure, expectRun, startEngine } from '../support/engine.ts';
import {
  as,
  databasesBeside,
  leavingStagingAlone,
  makeScenario,
  slowProduction,
  smallProduction,
  untilCopying,
} from '../support/scenario.ts';
import type { TestDatabase } from '../support/servers.ts';

test('the file has the hash, the length and the mode that the report says; nothing else is in the folder', async () => {
  await using scenario = await makeScenario();
  const folder = await artifactFolder();
  const { report } = await expectRun(scenario.environment, ['--artifact', folder]);
  const { artifact } = report;
  assert(artifact);
  assert.match(artifact.path, /\/prod_backup_\d{8}_\d{6}\.sql\.zst$/);
  const bytes = readFileSync(artifact.path);
  assert.equal(bytes.length, artifact.bytes);
  assert.equal(createHash('sha256').update(bytes).digest('hex'), artifact.sha256);
  assert.equal(artifact.encrypted, false);
  assert.equal(statSync(artifact.path).mode & 0o777, 0o600);
  assert.deepEqual(await filesIn(folder), [artifact.path.slice(folder.length + 1)]);
});

/** How often somebody ran ANALYZE there: autovacuum's own are counted apart. */
async function analyzed(database: TestDatabase): Promise<number> {
  const { rows } = await as('postgres', database, (session) =>
    session.query('select coalesce(sum(analyze_count), 0)::int as count from pg_stat_user_tables'),
  );
  return rows[0].count;
}

test('--no-artifact makes none, --no-analyze no statistics; a run that fails leaves no file', async () => {
  await using scenario = await makeScenario();
  const folder = await artifactFolder();
  const { report } = await expectRun(scenario.environment, ['--no-artifact', '--no-analyze']);
  assert.equal(report.artifact, null);
  assert.equal(await analyzed(scenario.staging), 0);
  await expectRun(scenario.environment, ['--no-artifact']);
  assert.notEqual(await analyzed(scenario.staging), 0);
  await as('app', scenario.production, (session) =>
    session.query(`create function wrong() returns boolean language plpgsql as $$ begin
        if current_database() like '%\\_\\_next\\_%' then raise exception 'not here'; end if; return true; end $$;
      create table checked (id integer check (wrong())); insert into checked values (1)`),
  );
  await leavingStagingAlone(scenario, () =>
    expectFailure(scenario.environment, { exit: 4, code: 'statement-failed' }, ['--artifact', folder]),
  );
  assert.deepEqual(await filesIn(folder), []);
});

test('what can’t be written, or not be read again, is refused before anything else', async () => {
  await using scenario = await makeScenario();
  const { environment } = scenario;
  const folder = await artifactFolder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const [identity, stranger] = [await generateX25519Identity(), await generateX25519Identity()];
  const recipient = await identityToRecipient(identity);
  const refused = async (
    flags: readonly string[],
    expected: { exit: number; code: string; says?: RegExp },
    more: Readonly<Record<string, string>> = {},
  ) => await leavingStagingAlone(scenario, () => expectFailure({ ...environment, ...more }, expected, flags));
  const unwritable = { exit: 3, code: 'folder-unwritable', says: /--artifact names another one/ };
  await refused(['--artifact', join(file, 'artifacts')], unwritable);
  // A folder that is there and says that it isn't: Node's own mkdir never comes back from it.
  if (existsSync('/proc/self')) await refused(['--artifact', '/proc/backups'], unwritable);
  await refused(['--no-artifact', '--rehearse'], { exit: 2, code: 'bad-flag' });
  await refused(['--recipient', 'age1nobody', '--artifact', folder], { exit: 2, code: 'bad-flag' });
  const rehearse = ['--artifact', folder, '--recipient', recipient, '--rehearse'];
  const noKey = { exit: 2, code: 'bad-environment', says: /REFRESH_AGE_IDENTITY/ };
  await refused(rehearse, noKey);
  await refused(rehearse, noKey, { REFRESH_AGE_IDENTITY: stranger });
  await expectRun({ ...environment, REFRESH_AGE_IDENTITY: identity }, rehearse);
});

test('a run that was killed leaves a part of a file, and the next run removes it', async () => {
  await using scenario = await makeScenario(slowProduction);
  const folder = await artifactFolder();
  const engine = await startEngine(scenario.environment, ['--artifact', folder]);
  await untilCopying(scenario, engine);
  engine.kill('SIGKILL');
  await engine.result;
  assert.match((await filesIn(folder)).join(' '), /^prod_backup_\d+_\d+\.sql\.zst\..*\.partial$/);
  await as('app', scenario.production, (session) => session.query('truncate slow'));
  const { report, stderr } = await expectRun(scenario.environment, ['--artifact', folder]);
  assert.match(stderr, /deleted .*\.partial: a killed run had left it half-written/);
  assert.deepEqual(await filesIn(folder), [basename(report.artifact?.path ?? '')]);
});

test('--rehearse restores the file in the same run and leaves nothing of it, whatever is set for our roles', async () => {
  await using scenario = await makeScenario(
    `${smallProduction} create function of(d date) returns boolean language sql as 'select d = null'`,
  );
  const { production, staging } = scenario;
  for (const [database, role] of [[production, 'reader'] as const, [staging, 'doadmin'] as const]) {
    await as('postgres', database, async (session) => {
      for (const setting of ['quote_all_identifiers', 'transform_null_equals', 'standard_conforming_strings'])
        await session.query(
          `alter role ${role} in database "${database.name}" set ${setting} = ${database === staging}`,
        );
    });
  }
  const { report, stderr } = await expectRun(scenario.environment, [
    '--rehearse',
    '--artifact',
    await artifactFolder(),
  ]);
  assert.match(stderr, /rehearsed: .*\.sql\.zst was restored, compared and dropped again/);
  assert.deepEqual(await databasesBeside(scenario.staging), [report.published?.previous]);
});

test('--keep-artifacts deletes the oldest of this database’s, and nothing else', async () => {
  await using scenario = await makeScenario();
  await using another = await makeScenario();
  const folder = await artifactFolder();
  const other = await expectRun(another.environment, ['--artifact', folder]);
  const { report } = await expectRun(scenario.environment, ['--artifact', folder, '--keep-artifacts', '1']);
  const ours = readFileSync(report.artifact?.path ?? '');
  const older = ['prod_backup_20250105_020000.sql.zst', 'prod_backup_20250112_020000.sql.zst'];
  for (const name of older) writeFileSync(join(folder, name), ours);
  const strangers = ['prod_backup_20240101_000000.sql.zst', 'prod_backup_20240101_000000.sql', 'notes.txt'];
  for (const name of strangers) writeFileSync(join(folder, name), 'somebody else’s');
  writeFileSync(join(folder, 'prod_backup_old.sql.zst'), ours);
  const next = await expectRun(scenario.environment, ['--artifact', folder, '--keep-artifacts', '2']);
  const newest = [other.report, report, next.report].map(({ artifact }) => basename(artifact?.path ?? ''));
  assert.deepEqual(
    (await filesIn(folder)).sort(),
    [...strangers, 'prod_backup_old.sql.zst', ...newest].sort(),
  );
});

test('a full disk: code 4, no file under the final name nor a part of one, staging as it was', async (t) => {
  // In a mount namespace of its own, so that the small file system goes with the process.
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return t.skip('this user may not mount');
  await using scenario = await makeScenario(`create table big (id int, filler text);
    insert into big select g, md5(g::text) || md5((g + 1)::text) from generate_series(1, 60000) g`);
  const folder = await artifactFolder();
  const before = await dumpLines(scenario.staging, []);
  const { status, stderr, stdout } = spawnSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs -o size=256k tmpfs "$1" && "$2" "$3" run --artifact "$1" --report "$4/report.json"; echo "$?"; ls -A "$1" | grep -v "^refresh-report_"; true',
      'sh',
      folder,
      process.execPath,
      fileURLToPath(new URL('../../scripts/launcher.js', import.meta.url)),
      await artifactFolder(),
    ],
    {
      env: { ...scenario.environment, PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
      encoding: 'utf8',
      cwd: folder,
    },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '4\n', stderr);
  assert.match(stderr, /^refresh: disk-full: there is no room for the artifact/m);
  assert.deepEqual(await dumpLines(scenario.staging, []), before);
  assert.deepEqual(await databasesBeside(scenario.staging), []);
});
