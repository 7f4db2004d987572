import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardRails } from '../../components/guard-rails/guard-rails.ts';
import type { Managed } from '../../components/guard-rails/managed.ts';

const ids = {
  production: 'b5f2e3b6-0000-4000-8000-000000000001',
  staging: 'b5f2e3b6-0000-4000-8000-000000000002',
};
const connection = {
  production: 'postgresql://reader:secret@prod.example:25060/shop?sslmode=require',
  staging: 'postgresql://doadmin:hunter2@staging.example:25060/shop?sslmode=require',
};

/** What the stack's own resources look like to a policy; nothing is wrong with them. */
const sound = [
  cluster('staging-shop-staging', ids.staging),
  firewall([{ type: 'ip_addr', value: '203.0.113.0/24' }]),
  command({}),
  resource('github:index/repositoryFile:RepositoryFile', 'engine', {
    content: 'HINT: set it to postgresql://user:password@host:port/database',
  }),
  resource('github:index/actionsSecret:ActionsSecret', 'url', { value: connection.staging }),
];

const broken: readonly [what: string, policy: string, resources: readonly Managed[]][] = [
  [
    'the same database',
    'staging-is-not-production',
    [command({ STAGING_DB_URL: 'postgresql://doadmin:x@PROD.example:25060/shop' })],
  ],
  [
    'the same database of one cluster, whatever its host is called',
    'staging-is-not-production',
    [command({ STAGING_DB_CLUSTER_ID: ids.production })],
  ],
  [
    'another database of production’s cluster',
    'staging-has-its-own-cluster',
    [command({ STAGING_DB_URL: 'postgresql://doadmin:x@prod.example:25060/shop_staging' })],
  ],
  ['an empty list', 'trusted-sources-name-somebody', [firewall([])]],
  [
    'the whole internet',
    'trusted-sources-name-somebody',
    [firewall([{ type: 'ip_addr', value: '0.0.0.0/0' }])],
  ],
  ['a cluster without a list', 'staging-has-trusted-sources', [cluster('staging-shop-staging', ids.staging)]],
  [
    'a file with a connection string',
    'no-secret-in-clear',
    [resource('github:index/repositoryFile:RepositoryFile', 'settings', { content: connection.staging })],
  ],
  [
    'a variable with a token',
    'no-secret-in-clear',
    [
      resource('github:index/actionsVariable:ActionsVariable', 'token', {
        value: `dop_v1_${'a'.repeat(64)}`,
      }),
    ],
  ],
  [
    'a command with a connection string in its arguments',
    'no-secret-in-clear',
    [resource('command:local:Command', 'run', { create: `refresh run ${connection.production}` })],
  ],
  [
    'production’s list of trusted sources',
    'production-is-not-managed',
    [command({}), firewall([{ type: 'ip_addr', value: '203.0.113.7' }], ids.production)],
  ],
  [
    'production itself',
    'production-is-not-managed',
    [command({}), cluster('shop-production', ids.production)],
  ],
];

test('a sound stack breaks no rule', () => {
  for (const policy of guardRails) assert.deepEqual(violations(policy.name, sound), [], policy.name);
});

test('a fork that is made from production’s backup is nothing of production', () => {
  const fork = cluster('staging-shop-staging', ids.staging);
  const made = { ...fork, props: { ...fork.props, backupRestore: { databaseName: 'shop-production' } } };
  const resources = [made, ...sound.slice(1)];
  for (const policy of guardRails) assert.deepEqual(violations(policy.name, resources), [], policy.name);
});

for (const [what, policy, resources] of broken) {
  test(`${policy}: ${what}`, () => {
    const found = violations(policy, resources);
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.doesNotMatch(found[0] ?? '', /hunter2|secret@|dop_v1/);
  });
}

test('only the shared cluster is a warning', () => {
  const advisory = guardRails.filter(({ enforcementLevel }) => enforcementLevel === 'advisory');
  assert.deepEqual(
    advisory.map(({ name }) => name),
    ['staging-has-its-own-cluster'],
  );
  const shared = [command({ STAGING_DB_URL: 'postgresql://doadmin:x@prod.example:25060/shop_staging' })];
  assert.deepEqual(violations('staging-is-not-production', shared), []);
});

test('what a preview does not know yet breaks no rule', () => {
  const unknown = command({});
  Object.defineProperty(unknown.props, 'environment', {
    get() {
      throw new (class UnknownValueError extends Error {})();
    },
  });
  for (const policy of guardRails) assert.deepEqual(violations(policy.name, [unknown]), [], policy.name);
});

function violations(name: string, resources: readonly Managed[]): string[] {
  const policy = guardRails.find((each) => each.name === name);
  const found: string[] = [];
  const report = (message: string) => void found.push(message);
  // The rules read four properties; the rest of what Pulumi hands over is not needed here.
  if (policy && 'validateStack' in policy) void policy.validateStack({ resources } as never, report);
  else if (policy && 'validateResource' in policy && typeof policy.validateResource === 'function') {
    for (const each of resources) void policy.validateResource(each as never, report);
  } else assert.fail(`no policy ${name}`);
  return found;
}

function resource(type: string, name: string, props: Record<string, unknown>): Managed {
  return { type, name, props, propertyDependencies: {} };
}

function cluster(name: string, id: string): Managed {
  return resource('digitalocean:index/databaseCluster:DatabaseCluster', name, {
    name,
    clusterUrn: `do:dbaas:${id}`,
  });
}

function firewall(rules: readonly object[], clusterId = ids.staging): Managed {
  return {
    ...resource('digitalocean:index/databaseFirewall:DatabaseFirewall', 'trusted-sources', {
      clusterId,
      rules,
    }),
    propertyDependencies: { clusterId: [{ name: 'staging-shop-staging' }] },
  };
}

function command(changes: Record<string, string>): Managed {
  const environment = {
    PRODUCTION_DB_URL: connection.production,
    STAGING_DB_URL: connection.staging,
    PROD_DB_CLUSTER_ID: ids.production,
    STAGING_DB_CLUSTER_ID: ids.staging,
    ...changes,
  };
  return resource('command:local:Command', 'refresh-run', {
    create: 'node scripts/launcher.js run',
    environment,
  });
}
