import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { settled } from './mocks.ts';
import { complete, read } from './stack-config.ts';

test('what is left out has the defaults of the contract', async () => {
  const settings = read({});
  assert.deepEqual(settings.staging, {
    name: 'shop-production-staging',
    size: undefined,
    region: undefined,
    nodeCount: undefined,
    version: undefined,
    database: 'shop',
    user: 'app',
  });
  assert.equal(settings.schedule, '0 2 * * 0');
  assert.equal(settings.timeoutMinutes, 60);
  assert.equal(settings.artifactRetentionDays, 30);
  assert.equal(settings.strategy, 'swap');
  assert.deepEqual(settings.repository, {
    owner: 'example',
    name: 'shop',
    branch: undefined,
    environment: undefined,
  });
  assert.equal(settings.maskKey, undefined);
  assert.equal(await settled(settings.production.databaseUrl), complete.productionDatabaseUrl);
});

test('an empty text means that nothing was said, as the defaults in Pulumi.yaml do', () => {
  const settings = read({
    branch: '',
    environment: ' ',
    maskKey: '',
    artifactRecipient: '',
    refreshTrigger: '',
  });
  assert.equal(settings.repository.branch, undefined);
  assert.equal(settings.repository.environment, undefined);
  assert.equal(settings.maskKey, undefined);
});

test('secrets stay secrets', async () => {
  const settings = read({ maskKey: 'sixteen-characters' });
  for (const output of [
    settings.production.databaseUrl,
    settings.digitalOcean.token,
    settings.gitHub.token,
    settings.maskKey,
  ]) {
    assert.ok(output && (await pulumi.isSecret(output)));
  }
});

test('values written as YAML numbers are taken where texts are meant', () => {
  const settings = read({
    stagingCluster: { name: 'shop-staging', version: 17, nodeCount: 1 },
    trustedSources: [{ type: 'droplet', value: 163973392 }],
  });
  assert.equal('version' in settings.staging && settings.staging.version, '17');
  assert.deepEqual(settings.trustedSources, [{ type: 'droplet', value: '163973392' }]);
});

test('an adopted cluster needs no list, and its user may be left out', () => {
  const settings = read({ stagingCluster: { adopt: 'shop-staging' }, trustedSources: undefined });
  assert.deepEqual(settings.staging, { adopt: 'shop-staging', database: 'shop', user: undefined });
  assert.deepEqual(settings.trustedSources, []);
});

test('the tokens default to the providers’ own variables', async () => {
  const environment = { DIGITALOCEAN_ACCESS_TOKEN: 'from-do-env', GITHUB_TOKEN: 'from-gh-env' };
  const settings = read({ digitalOceanToken: undefined, githubToken: undefined }, environment);
  assert.equal(await settled(settings.digitalOcean.token), 'from-do-env');
  assert.equal(await settled(settings.gitHub.token), 'from-gh-env');
});

test('addresses of the APIs come from the environment; GitHub’s public one is the default', () => {
  const emulated = read({}, { DO_API_URL: 'http://127.0.0.1:1', GITHUB_API_URL: 'http://127.0.0.1:2/' });
  assert.equal(emulated.digitalOcean.apiUrl, 'http://127.0.0.1:1');
  assert.equal(emulated.gitHub.apiUrl, 'http://127.0.0.1:2');
  assert.equal(read({}, { GITHUB_API_URL: 'https://api.github.com' }).gitHub.apiUrl, undefined);
});

test('the workflow’s token is its own where one is set, else the stack’s; both are secret', async () => {
  const own = read({ workflowDigitalOceanToken: 'dop_v1_of-the-workflow' });
  assert.equal(await settled(own.workflowDigitalOceanToken), 'dop_v1_of-the-workflow');
  assert.equal(await settled(read({}).workflowDigitalOceanToken), complete.digitalOceanToken);
  assert.ok(await pulumi.isSecret(own.workflowDigitalOceanToken));
});

test('who is let in, and who is told', async () => {
  const settings = read({
    openProductionTrustedSources: true,
    runnerAddress: '203.0.113.9',
    notifyUrl: 'https://hooks.example/hush',
    notifyFormat: 'json',
    artifactRecipient: `age1${'q'.repeat(58)}`,
  });
  assert.equal(settings.openProductionTrustedSources, true);
  assert.equal(settings.runnerAddress, '203.0.113.9');
  assert.equal(settings.notifyFormat, 'json');
  assert.ok(settings.notifyUrl && (await pulumi.isSecret(settings.notifyUrl)));
});
