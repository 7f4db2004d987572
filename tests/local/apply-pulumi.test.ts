import assert from 'node:assert/strict';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestProject } from './apply-project.ts';

const needed = ['pulumi', ...['command', 'digitalocean', 'github'].map((name) => `pulumi-resource-${name}`)];
const missing = needed.find((program) => !isOnPath(program));
const skip = missing === undefined ? false : `needs the real Pulumi CLI and providers: no ${missing} on PATH`;

const liveDatabase = `psql "$STAGING_DB_URL" -Atc "SELECT oid FROM pg_database WHERE datname = 'shop'"`;
const preview = 'pulumi preview --expect-no-changes';

describe('npm start, npm run refresh and npm run destroy with the real Pulumi', () => {
  let project: TestProject;

  before(async () => {
    if (skip === false) project = await TestProject.create('pulumi');
  });
  after(async () => await project?.remove());

  test('start applies the program; a preview afterwards shows no change', { skip }, async () => {
    const { code, output } = await project.run('start');
    assert.equal(code, 0, output);
    assert.match(output, /by Pulumi with the real providers/);
    const after = await project.shell(preview);
    assert.equal(after.code, 0, after.output);
  });

  test('a new trigger refreshes once', { skip }, async () => {
    const first = await project.shell(liveDatabase);
    const { code, output } = await project.run('refresh');
    assert.equal(code, 0, output);
    assert.notEqual((await project.shell(liveDatabase)).output, first.output);
    assert.equal((await project.shell(preview)).code, 0);
  });

  test('a changed production URL does not refresh', { skip }, async () => {
    const live = await project.shell(liveDatabase);
    const change =
      'printf %s "$PRODUCTION_DB_URL&connect_timeout=9" | pulumi config set --secret productionDatabaseUrl';
    const { code, output } = await project.shell(`${change} && pulumi up --yes --skip-preview`);
    assert.equal(code, 0, output);
    assert.match(output, /refresh-run updated/);
    assert.equal((await project.shell(liveDatabase)).output, live.output);
  });

  test('the exported state and the config file hold no secret in clear', { skip }, async () => {
    const { output } = await project.shell('pulumi stack export');
    const held = output + (await project.read('Pulumi.local.yaml'));
    assert.match(held, /staging-shop-staging/);
    for (const name of ['PRODUCTION_DB_URL', 'STAGING_DB_URL']) {
      assert.ok(!held.includes(new URL(await project.environmentValue(name)).password), name);
    }
    for (const name of ['DO_API_TOKEN', 'GITHUB_TOKEN', 'PULUMI_CONFIG_PASSPHRASE']) {
      assert.ok(!held.includes(await project.environmentValue(name)), name);
    }
  });

  test('a start that was killed while the cluster was being made does not stand in the way', {
    skip,
  }, async () => {
    await project.run('destroy');
    await project.run('start', { when: 'mask-key-generated created', signal: 'SIGKILL' });
    const { code, output } = await project.run('start');
    assert.equal(code, 0, output);
  });

  test('destroy takes the stack down and leaves no process and no file', { skip }, async () => {
    const { code, output } = await project.run('destroy');
    assert.equal(code, 0, output);
    assert.match(output, /production answers, unchanged/);
    for (const file of ['.local', 'Pulumi.local.yaml'])
      assert.equal(existsSync(join(project.folder, file)), false);
    assert.deepEqual(await project.processes(), []);
  });
});

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}
