import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestProject } from './apply-project.ts';

const liveDatabase = `psql "$STAGING_DB_URL" -Atc "SELECT oid FROM pg_database WHERE datname = 'shop'"`;
const orders = 'SELECT count(*) FROM purchase_orders';

describe('npm start, npm run refresh and npm run destroy, in-process', () => {
  let project: TestProject;
  const mode = (file: string) => statSync(join(project.folder, file)).mode & 0o777;

  before(async () => {
    project = await TestProject.create('in-process');
  });
  after(async () => await project.remove());

  test('refresh and destroy without a local stack say so and leave nothing', async () => {
    const refresh = await project.run('refresh');
    assert.equal(refresh.code, 2);
    assert.match(refresh.output, /HINT: npm start makes one/);
    assert.equal((await project.run('destroy')).code, 0);
    assert.equal(existsSync(join(project.folder, '.local')), false);
  });

  test('a start that is killed while it makes production, and one killed while it refreshes', async () => {
    await project.run('start', { when: 'making production', signal: 'SIGKILL' });
    const killed = await project.run('start', { when: '  copy\n', signal: 'SIGKILL' });
    assert.match(killed.output, /in-process apply/);
  });

  test('the next start goes on to the end and tells what there is', async () => {
    const { code, output } = await project.run('start');
    assert.equal(code, 0, output);
    for (const part of ['Provisioned', 'Refreshed', 'published: ', 'in-process apply', '. ./.local/env']) {
      assert.ok(output.includes(part), `${part} in ${output}`);
    }
  });

  test('. .local/env connects to both servers over verified TLS, and both hold the same', async () => {
    const [production, staging] = ['PRODUCTION_DB_URL', 'STAGING_DB_URL'].map((name) =>
      project.shell(`psql "$${name}&sslmode=verify-full" -Atc '${orders}'`),
    );
    const [expected, actual] = [await production, await staging];
    assert.match(expected?.output ?? '', /^[1-9]\d*\n$/);
    assert.equal(actual?.output, expected?.output);
  });

  test('only the owner may read the state, and no secret is in it, the report or the log in clear', async () => {
    assert.deepEqual(
      [mode('.local'), mode('.local/env'), mode('.local/account.json')],
      [0o700, 0o600, 0o600],
    );
    const password = new URL(await project.environmentValue('STAGING_DB_URL')).password;
    const secrets = [password, await project.environmentValue('GITHUB_TOKEN')];
    for (const file of [
      '.local/in-process.json',
      '.local/requests.log',
      '.local/daemon.log',
      'refresh-report.json',
    ]) {
      const content = await project.read(file);
      assert.ok(!secrets.some((secret) => content.includes(secret)), file);
    }
  });

  test('start again changes nothing; refresh publishes a new database under the same name', async () => {
    const first = await project.shell(liveDatabase);
    const again = await project.run('start');
    assert.equal(again.code, 0, again.output);
    assert.match(again.output, /refresh-run unchanged/);
    assert.equal((await project.shell(liveDatabase)).output, first.output);
    const refreshed = await project.run('refresh');
    assert.equal(refreshed.code, 0, refreshed.output);
    assert.notEqual((await project.shell(liveDatabase)).output, first.output);
  });

  test('an interrupted refresh leaves staging as it was and ends with 130', async () => {
    const live = await project.shell(liveDatabase);
    const { code, output } = await project.run('refresh', { when: '  copy\n', signal: 'SIGINT' });
    assert.equal(code, 130, output);
    assert.equal((await project.shell(liveDatabase)).output, live.output);
  });

  test('the APIs and their addresses survive the death of their process', async () => {
    const address = await project.environmentValue('DO_API_URL');
    const { pid }: { pid: number } = JSON.parse(await project.read('.local/daemon.json'));
    process.kill(pid, 'SIGKILL');
    const { code, output } = await project.run('start');
    assert.equal(code, 0, output);
    assert.equal(await project.environmentValue('DO_API_URL'), address);
  });

  test('destroy takes the stack down, finds production unchanged, and leaves no process, port or file', async () => {
    const address = await project.environmentValue('DO_API_URL');
    await leaveRunByHand(join(project.folder, 'artifacts'));
    const { code, output } = await project.run('destroy');
    assert.equal(code, 0, output);
    assert.match(output, /DatabaseCluster \S+ deleted/);
    assert.match(output, /production answers, unchanged/);
    assert.equal(existsSync(join(project.folder, '.local')), false);
    for (const name of ['refresh-report.json', 'refresh-report.html', 'artifacts'])
      assert.equal(existsSync(join(project.folder, name)), false, name);
    assert.deepEqual(await project.processes(), []);
    await assert.rejects(fetch(address));
  });
});

/** What `refresh run` in a shell leaves behind, of which the local stack knows nothing. */
async function leaveRunByHand(artifacts: string): Promise<void> {
  const name = (await readdir(artifacts)).find((file) => file.startsWith('refresh-report_')) ?? assert.fail();
  const report = JSON.parse(await readFile(join(artifacts, name), 'utf8'));
  const path = 'artifacts/prod_backup_20200101_000000.sql.zst';
  report.artifact = { path, bytes: 4, sha256: 'of rows', encrypted: false };
  await writeFile(join(artifacts, 'refresh-report_20200101T000000_1a2b.json'), JSON.stringify(report));
  await writeFile(join(artifacts, 'prod_backup_20200101_000000.sql.zst'), 'rows');
}
