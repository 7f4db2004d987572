import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import type { AdoptedCluster, OwnCluster } from '../../components/settings.ts';
import { ownCluster as own } from './component-args.ts';
import { ids, isSecretInput, mockPulumi, plain, productionPassword, settled, shown } from './mocks.ts';

const registered = mockPulumi();
const { lookUpProduction } = await import('../../components/production-cluster.ts');
const { refusalOf } = await import('../../components/cluster-lookup.ts');
const { findAdopted, StagingCluster } = await import('../../components/staging-cluster.ts');
const { TrustedSources } = await import('../../components/trusted-sources.ts');

test('what is left out follows production, what is said does not', async () => {
  await build('follows', own);
  assert.deepEqual(inputsOf('follows-shop-staging'), {
    name: 'shop-staging',
    engine: 'pg',
    region: 'fra1',
    size: 'db-s-2vcpu-4gb',
    nodeCount: 2,
    version: '17',
  });
  await build('says', { ...own, size: 'db-s-1vcpu-2gb', nodeCount: 1, region: 'nyc3', version: '16' });
  assert.deepEqual(inputsOf('says-shop-staging'), {
    name: 'shop-staging',
    engine: 'pg',
    region: 'nyc3',
    size: 'db-s-1vcpu-2gb',
    nodeCount: 1,
    version: '16',
  });
});

test('the app gets a database and a role of its own', async () => {
  const staging = await build('contents', own);
  assert.deepEqual(inputsOf('contents-shop-staging-database-shop'), { clusterId: ids.staging, name: 'shop' });
  assert.deepEqual(inputsOf('contents-shop-staging-user-app'), { clusterId: ids.staging, name: 'app' });
  assert.equal(await settled(staging.owner), 'app');
  assert.equal(await settled(staging.certificate), `CA of ${ids.staging}`);
});

test('the database and the role that every cluster is born with are not made', async () => {
  const staging = await build('born', { ...own, database: 'defaultdb', user: 'doadmin' });
  assert.deepEqual(
    registered.filter(({ name }) => name.startsWith('born-')).map(({ type }) => type),
    ['digitalocean:index/databaseCluster:DatabaseCluster'],
  );
  assert.deepEqual(await settled(pulumi.all([staging.database, staging.owner])), ['defaultdb', 'doadmin']);
});

test('the url is secret, encoded and leads to the app’s database', async () => {
  const staging = await build('url', own);
  assert.ok(await pulumi.isSecret(staging.url));
  assert.equal(
    await settled(staging.url),
    'postgresql://doadmin:st%40ging%2Fpass@db.example:25060/shop?sslmode=require',
  );
});

test('another name is another generation: every child has another logical name', async () => {
  await build('generation', own);
  const before = new Set(registered.map(({ name }) => name));
  await build('generation', { ...own, name: 'shop-staging-b' });
  const later = registered.filter(
    ({ name, type }) => name.startsWith('generation-') && !type.includes('components'),
  );
  assert.equal(later.filter(({ name }) => name.includes('shop-staging-b')).length, 3);
  assert.ok(
    later.filter(({ name }) => name.includes('shop-staging-b')).every(({ name }) => !before.has(name)),
  );
});

test('an adopted cluster is read, by name or by id, and nothing is made in it', async () => {
  const byName: AdoptedCluster = { adopt: 'shop-staging', database: 'shop', user: undefined };
  for (const [name, cluster] of [
    ['by-name', byName],
    ['by-id', { ...byName, adopt: ids.staging, user: 'app' }],
  ] as const) {
    const before = registered.length;
    const staging = await build(name, await findAdopted(cluster, {}));
    const sources = new TrustedSources(`${name}-sources`, { cluster: staging, rules: [] }, {});
    assert.equal(await settled(sources.count), 0);
    const made = registered.slice(before).filter(({ type }) => !type.startsWith('staging-refresh:'));
    assert.deepEqual(
      made.map(({ type, isRead }) => ({ type, isRead })),
      [{ type: 'digitalocean:index/databaseCluster:DatabaseCluster', isRead: true }],
    );
    assert.equal(await settled(staging.owner), cluster.user);
    assert.ok(await pulumi.isSecret(staging.url));
  }
});

test('a cluster that nobody has, and an account that refuses, are one line before anything is made', async () => {
  const before = registered.length;
  await assert.rejects(lookUpProduction('nope', {}), /:productionCluster: "nope" is no /);
  const adopted = findAdopted({ adopt: 'nope', database: 'shop', user: undefined }, {});
  await assert.rejects(adopted, /:stagingCluster\.adopt: "nope" is no database cluster/);
  for (const [status, expected] of [
    ['401', /:digitalOceanToken: is refused by DigitalOcean, .*: 401 .* Unable$/],
    ['403', /:digitalOceanToken: lacks the scope database:read: .*: 403 .* Unable$/],
    ['500', /^"shop" can't be looked up at DigitalOcean: .*: 500 .* Unable$/],
  ] as const) {
    // As the real provider words it.
    const url = 'https://api.example/v2/databases?page=1&per_page=200';
    const error = `1 error occurred:\n\t* Error retrieving DatabaseClusters: GET ${url}: ${status} (request "7") Unable\n\n`;
    assert.match(refusalOf('shop', new Error(error)).message, expected);
  }
  assert.equal(registered.length, before);
});

test('nothing of production but its shape comes out of the lookup', async () => {
  const production = await lookUpProduction('shop-production', {});
  assert.deepEqual(Object.keys(production).sort(), [
    'certificate',
    'id',
    'name',
    'nodeCount',
    'region',
    'size',
    'storageSizeMib',
    'version',
  ]);
  const { certificate, ...values } = production;
  const text = JSON.stringify([values, await settled(certificate)]);
  assert.doesNotMatch(text, new RegExp(productionPassword));
  assert.doesNotMatch(shown(registered.map(({ inputs }) => inputs)), new RegExp(productionPassword));
});

test('a list of trusted sources belongs to its generation of the cluster', async () => {
  const sources = new TrustedSources(
    'sources',
    {
      cluster: await build('listed', own),
      rules: [
        { type: 'ip_addr', value: '203.0.113.7' },
        { type: 'tag', value: 'staging' },
      ],
    },
    {},
  );
  assert.equal(await settled(sources.count), 2);
  assert.deepEqual(inputsOf('sources-shop-staging'), {
    clusterId: ids.staging,
    rules: [
      { type: 'ip_addr', value: '203.0.113.7' },
      { type: 'tag', value: 'staging' },
    ],
  });
  assert.ok(!isSecretInput(registered.find(({ name }) => name === 'sources-shop-staging')?.inputs.rules));
});

async function build(
  name: string,
  cluster: OwnCluster | AdoptedCluster,
): Promise<InstanceType<typeof StagingCluster>> {
  const production = await lookUpProduction('shop-production', {});
  const staging = new StagingCluster(name, { cluster, production }, {});
  await settled(staging.url);
  await settled(staging.owner);
  return staging;
}

function inputsOf(name: string): unknown {
  return plain(registered.findLast((resource) => resource.name === name)?.inputs);
}
