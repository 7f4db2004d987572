import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import {
  answerAsGitHub,
  ids,
  mockPulumi,
  plain,
  productionPassword,
  settled,
  shown,
  summary,
} from './mocks.ts';

// The whole program once, as `pulumi up` runs it, against mocks and a GitHub that answers three questions.
const gitHub = await answerAsGitHub({
  '/api/v3/repos/example/shop': {
    body: {
      default_branch: 'main',
      html_url: 'https://github.com/example/shop',
      permissions: { push: true },
    },
    headers: { 'x-oauth-scopes': 'repo, workflow' },
  },
  '/api/v3/repos/example/shop/branches/main': { body: { protected: false } },
});
process.env.GITHUB_API_URL = gitHub.url;
process.env.DO_API_URL = 'http://127.0.0.1:9';
delete process.env.GITHUB_OWNER;
const secrets = {
  productionDatabaseUrl: 'postgresql://reader:password-of-the-reader@prod.example:25060/shop?sslmode=require',
  digitalOceanToken: 'dop_v1_token-of-digitalocean',
  githubToken: 'ghp_token-of-github',
};
pulumi.runtime.setAllConfig(
  inNamespace({
    ...secrets,
    productionCluster: 'shop-production',
    stagingCluster: '{"name":"shop-staging"}',
    trustedSources: '[{"type":"ip_addr","value":"203.0.113.7"}]',
    repository: 'example/shop',
  }),
  Object.keys(inNamespace(secrets)),
);
const registered = mockPulumi();
const entry = new URL('../../index.ts', import.meta.url).href;
const program = await import(entry);
await settled(program.report);
await settled(program.workflowUrl);

test('the outputs are those of the contract', async () => {
  assert.deepEqual(Object.keys(program).sort(), [
    'nextRun',
    'report',
    'stagingDatabase',
    'stagingHost',
    'stagingInUse',
    'stagingUrl',
    'workflowUrl',
  ]);
  assert.equal(await settled(program.stagingHost), 'db.example');
  assert.equal(await settled(program.stagingDatabase), 'shop');
  assert.deepEqual(await settled(program.report), summary);
  assert.match(program.nextRun, /^\d{4}-\d\d-\d\dT02:00:00Z$/);
  assert.equal(
    await settled(program.workflowUrl),
    'https://github.com/example/shop/actions/workflows/db-backup-restore-do.yml',
  );
  for (const output of [program.stagingUrl, program.stagingInUse]) assert.ok(await pulumi.isSecret(output));
  assert.equal(await pulumi.isSecret(program.report), false);
});

test('nothing of production is a resource of the stack', () => {
  const ofDigitalOcean = registered.filter(({ type }) => type.startsWith('digitalocean:'));
  assert.deepEqual(ofDigitalOcean.map(({ type }) => type.split(':').at(-1)).toSorted(), [
    'DatabaseCluster',
    'DatabaseDb',
    'DatabaseFirewall',
    'DatabaseUser',
  ]);
  for (const { inputs, isRead } of ofDigitalOcean) {
    assert.equal(isRead, false);
    assert.notEqual(inputs.name, 'shop-production');
    assert.notEqual(plain(inputs.clusterId), ids.production);
  }
});

test('nothing secret is in clear in any input', () => {
  const clear = shown(registered.map(({ inputs }) => inputs));
  for (const secret of [
    'password-of-the-reader',
    'token-of-digitalocean',
    'token-of-github',
    'generated-mask-key',
    'st@ging/pass',
    'st%40ging',
    productionPassword,
  ]) {
    assert.ok(!clear.includes(secret), secret);
  }
});

test('production’s password goes nowhere, not even secretly', () => {
  assert.doesNotMatch(JSON.stringify(registered), new RegExp(productionPassword));
});

test('the refresh is triggered by both clusters, the policy and the engine, and by no clock', () => {
  const refresh = registered.find(({ name }) => name === 'refresh-run');
  const [request, policy, engine, ...rest] = plain(refresh?.inputs.triggers) as string[];
  assert.equal(request, '');
  assert.match(policy ?? '', /^[0-9a-f]{64}$/);
  assert.match(engine ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(rest, [ids.production, ids.staging, 'shop', 'app']);
  const everything = JSON.stringify(registered.map(({ inputs }) => plain(inputs)));
  assert.ok(!everything.includes(program.nextRun), 'the next run is an output only');
});

test('the providers are explicit and go where the environment says', () => {
  const [digitalocean, github] = ['digitalocean', 'github'].map((name) =>
    registered.find(({ type }) => type === `pulumi:providers:${name}`),
  );
  assert.equal(digitalocean?.inputs.apiEndpoint, 'http://127.0.0.1:9');
  assert.equal(github?.inputs.baseUrl, gitHub.url);
  assert.equal(github?.inputs.owner, 'example');
});

test('logical names are unique', () => {
  const names = registered.map(({ type, name }) => `${type} ${name}`);
  assert.equal(new Set(names).size, names.length);
});

function inNamespace(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`staging-refresh:${key}`, value]));
}
