import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import type { GenerationArgs } from '../../components/generation.ts';
import { answerAsGitHub, ids, mockPulumi, plain, settled, shown, summary } from './mocks.ts';

// The whole program with strategy fork, in a stack that has a staging in use.
const gitHub = await answerAsGitHub({
  '/api/v3/repos/example/shop': { body: { default_branch: 'main', permissions: { push: true } } },
  '/api/v3/repos/example/shop/branches/main': { body: { protected: false } },
});
process.env.GITHUB_API_URL = gitHub.url;
delete process.env.GITHUB_OWNER;
const inUse = {
  refreshTrigger: '4711',
  clusterId: 'b5f2e3b6-0000-4000-8000-000000000009',
  url: 'postgresql://doadmin:password-in-use@old.example:25060/shop?sslmode=require',
  certificate: 'CA in use',
};
const secrets = {
  productionDatabaseUrl: 'postgresql://reader:password-of-the-reader@prod.example:25060/shop?sslmode=require',
  digitalOceanToken: 'dop_v1_token-of-digitalocean',
  githubToken: 'ghp_token-of-github',
};
const config = {
  ...secrets,
  productionCluster: 'shop-production',
  stagingCluster: '{"name":"shop-staging"}',
  trustedSources: '[{"type":"ip_addr","value":"203.0.113.7"}]',
  repository: 'example/shop',
  strategy: 'fork',
};
const namespaced = Object.entries(config).map(([key, value]) => [`staging-refresh:${key}`, value] as const);
pulumi.runtime.setAllConfig(
  Object.fromEntries(namespaced),
  Object.keys(secrets).map((key) => `staging-refresh:${key}`),
);
const registered = mockPulumi({ outputs: { stagingInUse: inUse } });
const entry = new URL('../../index.ts', import.meta.url).href;
const program = await import(entry);
await settled(program.report);
await settled(program.workflowUrl);
const { chooseGeneration } = await import('../../components/generation.ts');

const kind = (name: string) => registered.filter(({ type }) => type.endsWith(`:${name}`));
const clusterName = plain(kind('DatabaseCluster')[0]?.inputs.name);

test('the cluster is a fork of production with a name of this generation, and nothing is made inside it', () => {
  const [cluster, ...others] = kind('DatabaseCluster');
  assert.deepEqual(others, []);
  assert.match(String(clusterName), /^shop-staging-[0-9a-f]{8}$/);
  assert.equal(cluster?.name, `staging-${clusterName}`);
  assert.deepEqual(plain(cluster?.inputs.backupRestore), { databaseName: 'shop-production' });
  assert.deepEqual([...kind('DatabaseDb'), ...kind('DatabaseUser')], []);
});

test('the engine treats it in place, and knows the staging that is still in use', () => {
  const [run, ...others] = kind('Command').filter(({ name }) => name.startsWith('refresh-'));
  assert.deepEqual(others, []);
  assert.match(
    String(plain(run?.inputs.create)),
    /^REFRESH_SHELL_PID=\$\$ node scripts\/launcher\.js fork --summary --policy refresh\.policy\.yaml \|\| /,
  );
  assert.deepEqual(plain(run?.inputs.triggers), [ids.staging]);
  const environment = plain(run?.inputs.environment) as Record<string, string>;
  assert.equal(environment.STAGING_DB_CLUSTER_ID, ids.staging);
  assert.equal(environment.PREVIOUS_STAGING_DB_URL, inUse.url);
  assert.equal(environment.PREVIOUS_STAGING_DB_CA, inUse.certificate);
  assert.equal(environment.PREVIOUS_STAGING_DB_CLUSTER_ID, inUse.clusterId);
});

test('trusted sources, secrets and outputs come after the treatment', () => {
  const order = registered.map(({ type, name }) => `${type.split(':').at(-1)} ${name}`);
  const treated = order.findIndex((line) => line.startsWith('Command refresh-'));
  for (const later of [
    `DatabaseFirewall trusted-sources-${clusterName}`,
    'ActionsSecret repository-secrets-staging-db-url',
  ])
    assert.ok(order.indexOf(later) > treated, `${later} in ${order}`);
});

test('the program keeps in one secret output what the next fork must know', async () => {
  assert.ok(await pulumi.isSecret(program.stagingInUse));
  const next = await settled<typeof inUse>(program.stagingInUse);
  assert.deepEqual([next.refreshTrigger, next.clusterId], [inUse.refreshTrigger, ids.staging]);
  assert.deepEqual(await settled(program.report), summary);
  const clear = shown(registered.map(({ inputs }) => inputs));
  for (const secret of ['password-in-use', 'st@ging/pass', 'password-of-the-reader'])
    assert.ok(!clear.includes(secret), secret);
});

test('the workflow applies this stack, and carries neither engine nor policy', () => {
  const [file, ...others] = kind('RepositoryFile');
  assert.deepEqual(others, []);
  assert.match(String(plain(file?.inputs.content)), /STACK: acme\/staging-refresh\/test$/m);
});

const args: GenerationArgs = {
  strategy: 'fork',
  refreshTrigger: '',
  policy: { path: undefined, files: [], hash: 'policy-1' },
  engine: 'engine-1',
  productionId: 'production-1',
};
const suffixOf = async (change: Partial<GenerationArgs>) =>
  (await chooseGeneration({ ...args, ...change })).generation?.suffix;

test('the same reasons are the same generation; another trigger, policy, engine or production is another', async () => {
  const now = await suffixOf({});
  assert.equal(await suffixOf({}), now);
  assert.equal(
    await suffixOf({ refreshTrigger: inUse.refreshTrigger }),
    now,
    'as the weekly run has left it',
  );
  const others = await Promise.all([
    suffixOf({ refreshTrigger: '4712' }),
    suffixOf({ policy: { ...args.policy, hash: 'policy-2' } }),
    suffixOf({ engine: 'engine-2' }),
    suffixOf({ productionId: 'production-2' }),
  ]);
  assert.equal(new Set([now, ...others]).size, 5);
  assert.equal(await suffixOf({ strategy: 'swap' }), undefined);
});
